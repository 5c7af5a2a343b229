"""Torchvision's classification data sets: their files, how these are read, and whose they are."""

from collections.abc import Mapping
from dataclasses import dataclass

from dasbench.datasets.torchvision_sets.items import Listing, by_header, by_loader, pets, signs
from dasbench.datasets.torchvision_sets.parts import (
    Parts,
    Variant,
    aircraft_parts,
    by_split,
    by_train,
    dtd_parts,
    emnist_parts,
    imagenette_parts,
    inaturalist_parts,
    mnist_files,
    places365_parts,
    whole,
)

STATED = "as its authors state"


@dataclass(frozen=True, kw_only=True)
class KnownSet:
    """One of torchvision's data sets.

    Args:
        variants: its versions by name, the first one if none is asked for.
        fetched: how much a download fetches, in words; empty where torchvision cannot.
        page: where else to get it.
        files: how its image files are listed; None where all images are of one size and lie in
            memory.
        mirrored: whether an image means the same from left to right; not of letters, digits and
            signs.
        tracks: whether images whose names differ behind the last `_` alone are frames of one scene,
            so that all of them go into one part.
        names: the attribute with the names of the classes; where there is none, they are called by
            their numbers.
        licence: of the images.
        citation: whom to cite.
    """

    variants: Mapping[Variant, Parts]
    fetched: str = ""
    page: str = ""
    files: Listing | None = None
    mirrored: bool = True
    tracks: bool = False
    names: str = "classes"
    licence: str = STATED
    citation: str


KNOWN: Mapping[str, KnownSet] = {
    "MNIST": KnownSet(
        variants=by_train(mnist_files("MNIST")),
        fetched="about 12 MB",
        mirrored=False,
        citation="LeCun, Bottou, Bengio and Haffner 1998, "
        "Gradient-based learning applied to document recognition, Proceedings of the IEEE",
    ),
    "FashionMNIST": KnownSet(
        variants=by_train(mnist_files("FashionMNIST")),
        fetched="about 30 MB",
        mirrored=False,
        licence="MIT",
        citation="Xiao, Rasul and Vollgraf 2017, Fashion-MNIST (arXiv:1708.07747)",
    ),
    "KMNIST": KnownSet(
        variants=by_train(mnist_files("KMNIST")),
        fetched="about 20 MB",
        mirrored=False,
        licence="CC BY-SA 4.0",
        citation="Clanuwat et al. 2018, "
        "Deep learning for classical Japanese literature (arXiv:1812.01718)",
    ),
    "QMNIST": KnownSet(
        variants=by_train(
            (
                "QMNIST/raw/qmnist-train-images-idx3-ubyte",
                "QMNIST/raw/qmnist-train-labels-idx2-int",
                "QMNIST/raw/qmnist-test-images-idx3-ubyte",
                "QMNIST/raw/qmnist-test-labels-idx2-int",
            )
        ),
        fetched="about 20 MB",
        mirrored=False,
        citation="Yadav and Bottou 2019, Cold case: the lost MNIST digits (arXiv:1905.10498)",
    ),
    "EMNIST": KnownSet(
        variants={
            name: emnist_parts(name)
            for name in ("balanced", "byclass", "bymerge", "letters", "digits", "mnist")
        },
        fetched="about 560 MB",
        mirrored=False,
        citation="Cohen, Afshar, Tapson and van Schaik 2017, EMNIST (arXiv:1702.05373)",
    ),
    "USPS": KnownSet(
        variants=by_train(("usps.bz2", "usps.t.bz2")),
        fetched="about 8 MB",
        mirrored=False,
        citation="Hull 1994, A database for handwritten text recognition research, IEEE TPAMI",
    ),
    "SEMEION": KnownSet(
        variants=whole("semeion.data"),
        fetched="about 3 MB",
        mirrored=False,
        citation="Semeion Research Center of Sciences of Communication, "
        "Semeion handwritten digit, UCI repository",
    ),
    "SVHN": KnownSet(
        variants=by_split("train_32x32.mat", "test_32x32.mat"),
        fetched="about 250 MB",
        mirrored=False,
        licence="non-commercial use only",
        citation="Netzer et al. 2011, "
        "Reading digits in natural images with unsupervised feature learning",
    ),
    "STL10": KnownSet(
        variants=by_split("stl10_binary"),
        fetched="about 2.6 GB",
        citation="Coates, Lee and Ng 2011, "
        "An analysis of single-layer networks in unsupervised feature learning",
    ),
    "FER2013": KnownSet(
        variants=by_split("fer2013"),
        page="https://www.kaggle.com/c/challenges-in-representation-learning-facial-expression-recognition-challenge",
        citation="Goodfellow et al. 2013, Challenges in representation learning (arXiv:1307.0414)",
    ),
    "Flowers102": KnownSet(
        variants=by_split(
            "flowers-102/jpg", "flowers-102/imagelabels.mat", "flowers-102/setid.mat", val="val"
        ),
        fetched="about 350 MB",
        files=by_loader,
        citation="Nilsback and Zisserman 2008, "
        "Automated flower classification over a large number of classes, ICVGIP",
    ),
    "Food101": KnownSet(
        variants=by_split("food-101/images", "food-101/meta"),
        fetched="about 5 GB",
        files=by_loader,
        citation="Bossard, Guillaumin et al. 2014, Food-101, ECCV",
    ),
    "OxfordIIITPet": KnownSet(
        variants=by_split(
            "oxford-iiit-pet/images", "oxford-iiit-pet/annotations", train="trainval"
        ),
        fetched="about 800 MB",
        files=pets,
        licence="CC BY-SA 4.0",
        citation="Parkhi, Vedaldi, Zisserman and Jawahar 2012, Cats and dogs, CVPR",
    ),
    "DTD": KnownSet(
        variants={name: dtd_parts(name) for name in range(1, 11)},
        fetched="about 600 MB",
        files=by_loader,
        licence="for research",
        citation="Cimpoi, Maji, Kokkinos, Mohamed and Vedaldi 2014, "
        "Describing textures in the wild, CVPR",
    ),
    "EuroSAT": KnownSet(
        variants=whole("eurosat/2750"),
        fetched="about 90 MB",
        files=by_loader,
        licence="MIT",
        citation="Helber, Bischke, Dengel and Borth 2019, EuroSAT (arXiv:1709.00029)",
    ),
    "GTSRB": KnownSet(
        variants=by_split(
            "gtsrb/GTSRB/Training", "gtsrb/GTSRB/Final_Test/Images", "gtsrb/GT-final_test.csv"
        ),
        fetched="about 280 MB",
        files=signs,
        mirrored=False,
        tracks=True,
        citation="Stallkamp, Schlipsing, Salmen and Igel 2012, Man vs. computer, Neural Networks",
    ),
    "FGVCAircraft": KnownSet(
        variants={name: aircraft_parts(name) for name in ("variant", "family", "manufacturer")},
        fetched="about 2.8 GB",
        files=by_loader,
        licence="for non-commercial research",
        citation="Maji, Kannala, Rahtu, Blaschko and Vedaldi 2013, "
        "Fine-grained visual classification of aircraft (arXiv:1306.5151)",
    ),
    "StanfordCars": KnownSet(
        variants=by_split(
            "stanford_cars/cars_train",
            "stanford_cars/cars_test",
            "stanford_cars/devkit/cars_train_annos.mat",
            "stanford_cars/cars_test_annos_withlabels.mat",
        ),
        page="https://github.com/pytorch/vision/issues/7545",
        files=by_loader,
        citation="Krause, Stark, Deng and Fei-Fei 2013, "
        "3D object representations for fine-grained categorization",
    ),
    "Country211": KnownSet(
        variants=by_split("country211/train", "country211/valid", "country211/test", val="valid"),
        fetched="about 11 GB",
        files=by_loader,
        citation="Radford et al. 2021, Learning transferable visual models (arXiv:2103.00020)",
    ),
    "RenderedSST2": KnownSet(
        variants=by_split(
            "rendered-sst2/train", "rendered-sst2/valid", "rendered-sst2/test", val="val"
        ),
        fetched="about 130 MB",
        files=by_loader,
        mirrored=False,
        citation="Radford et al. 2021, Learning transferable visual models (arXiv:2103.00020)",
    ),
    "Caltech101": KnownSet(
        variants=whole("caltech101/101_ObjectCategories"),
        fetched="about 140 MB",
        files=by_header,
        names="categories",
        licence="CC BY 4.0",
        citation="Fei-Fei, Fergus and Perona 2004, "
        "Learning generative visual models from few training examples, CVPR",
    ),
    "Caltech256": KnownSet(
        variants=whole("caltech256/256_ObjectCategories"),
        fetched="about 1.2 GB",
        files=by_header,
        names="categories",
        licence="CC BY 4.0",
        citation="Griffin, Holub and Perona 2007, Caltech-256 object category data set",
    ),
    "SUN397": KnownSet(
        variants=whole("SUN397/ClassName.txt"),
        fetched="about 37 GB",
        files=by_loader,
        citation="Xiao, Hays, Ehinger, Oliva and Torralba 2010, SUN database, CVPR",
    ),
    "Imagenette": KnownSet(
        variants={
            "full": imagenette_parts("full", "imagenette2"),
            "320px": imagenette_parts("320px", "imagenette2-320"),
            "160px": imagenette_parts("160px", "imagenette2-160"),
        },
        fetched="100 MB to 1.5 GB",
        files=by_loader,
        licence="non-commercial research and education, as ImageNet, from which the images come",
        citation="Howard 2019, Imagenette (https://github.com/fastai/imagenette)",
    ),
    "Places365": KnownSet(
        variants={name: places365_parts(name) for name in ("256", "large")},
        fetched="about 25 GB at 256 pixels",
        files=by_loader,
        citation="Zhou, Lapedriza, Khosla, Oliva and Torralba 2018, Places, IEEE TPAMI",
    ),
    "INaturalist": KnownSet(
        variants={name: inaturalist_parts(name) for name in ("2021_train", "2021_train_mini")},
        fetched="50 to 230 GB",
        files=by_loader,
        names="all_categories",
        licence="non-commercial use; each photograph as its photographer states",
        citation="Van Horn et al. 2021, "
        "Benchmarking representation learning for natural world image collections, CVPR",
    ),
    "CLEVRClassification": KnownSet(
        variants=by_split("clevr/CLEVR_v1.0/images", "clevr/CLEVR_v1.0/scenes", test="val"),
        fetched="about 18 GB",
        files=by_loader,
        licence="CC BY 4.0",
        citation="Johnson et al. 2017, CLEVR (arXiv:1612.06890)",
    ),
}
"""By their names in torchvision."""
