"""Where a network looks: Grad-CAM maps, and how much of them lies on what matters."""
