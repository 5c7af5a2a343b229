"""Photographs with the objects in them, annotated in COCO's or Pascal VOC's format."""
