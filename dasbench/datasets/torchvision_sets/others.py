"""Torchvision's data sets that are no classification of images or have a better place here."""

_FLOW = "gives optical flow, no classes of images"
_STEREO = "gives pairs of images and their disparity, no classes of images"
_VIDEO = "gives videos, no classes of images"
_WORDS = "gives images with sentences, no classes of images"
_PAIRS = "gives pairs of images, no classes of images"
_BOXES = (
    "gives objects in images, no class of an image; "
    "convert it to COCO's layout and write `name: coco`"
)
_FOLDER = "is any folder of images; write `name: image_folder`"
_PEOPLE = "tests on other classes than it trains on, so that there is no accuracy to measure"

OTHERS = {
    "CIFAR10": "is a data set of its own here, read faster; write `name: cifar10`",
    "CIFAR100": "is a data set of its own here, read faster; write `name: cifar100`",
    "ImageNet": "is a data set of its own here; write `name: imagenet`",
    "ImageFolder": _FOLDER,
    "DatasetFolder": _FOLDER,
    "CocoDetection": "gives objects in images; write `name: coco`",
    "CocoCaptions": _WORDS,
    "Flickr8k": _WORDS,
    "Flickr30k": _WORDS,
    "SBU": _WORDS,
    "VOCDetection": "gives objects in images; write `name: voc`",
    "VOCSegmentation": "gives classes of pixels; write `name: image_masks`",
    "SBDataset": "gives classes of pixels, no class of an image",
    "Cityscapes": "gives classes of pixels, no class of an image",
    "Kitti": _BOXES,
    "WIDERFace": _BOXES,
    "CelebA": "gives 40 attributes of each face, no class of an image",
    "FakeData": "is noise, with nothing to learn; write `name: digits` or `name: salient_shapes`",
    "PCAM": "lies in HDF5 files, which take the package h5py; "
    "export its images to class folders and write "
    "`name: image_folder`",
    "LSUN": "lies in LMDB files, which take the package lmdb; "
    "export its images to class folders and write "
    "`name: image_folder`",
    "LSUNClass": "has one class alone",
    "LFWPeople": _PEOPLE,
    "Omniglot": _PEOPLE,
    "LFWPairs": _PAIRS,
    "PhotoTour": _PAIRS,
    "MovingMNIST": _VIDEO,
    "HMDB51": _VIDEO,
    "UCF101": _VIDEO,
    "Kinetics": _VIDEO,
    "FlyingChairs": _FLOW,
    "FlyingThings3D": _FLOW,
    "HD1K": _FLOW,
    "KittiFlow": _FLOW,
    "Sintel": _FLOW,
    "CarlaStereo": _STEREO,
    "CREStereo": _STEREO,
    "ETH3DStereo": _STEREO,
    "FallingThingsStereo": _STEREO,
    "InStereo2k": _STEREO,
    "Kitti2012Stereo": _STEREO,
    "Kitti2015Stereo": _STEREO,
    "Middlebury2014Stereo": _STEREO,
    "SceneFlowStereo": _STEREO,
    "SintelStereo": _STEREO,
}
"""Why each is refused, by its name in torchvision."""
