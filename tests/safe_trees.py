"""Small real SAFE products: metadata as ESA writes it, and lossless JPEG 2000 images.

The four kinds differ in level and age. Whatever the kind, the digital numbers are made
from the same reflectance, so the scenes made of them must be equal.
"""

import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import rasterio
from rasterio.transform import from_origin

SHAPE = (120, 180)
CORNER = (330_000, 5_822_040)
EPSG = 32633
TILE = "T33UUU"
FINE = ("B2", "B3", "B4", "B8")
BANDS = (
    *("B1", "B2", "B3", "B4", "B5", "B6", "B7", "B8", "B8A", "B9", "B10", "B11"),
    "B12",
)
NEEDED = (*FINE, "B5", "B6", "B7", "B8A", "B11", "B12")
CLOUD, SHADOW, WATER, VEGETATION = 9, 3, 6, 4


@dataclass(frozen=True)
class Kind:
    """A kind of product.

    Attributes:
        level: "1C" or "2A".
        baseline: Processing baseline; from 04.00 on, an offset is inside the pixels.
        old_names: Whether files are named as in 2015.
    """

    level: str
    baseline: str
    old_names: bool = False

    @property
    def offset(self):
        return -1000 if self.baseline >= "04.00" else 0

    @property
    def date(self):
        return "20151230" if self.old_names else "20230508"

    @property
    def product(self):
        if self.old_names:
            return f"S2A_OPER_PRD_MSIL{self.level}_PDMC_20151230T202002_R008.SAFE"
        baseline = self.baseline.replace(".", "")
        return (
            f"S2A_MSIL{self.level}_{self.date}T102601_N{baseline}_R008_{TILE}_"
            f"{self.date}T140000.SAFE"
        )

    @property
    def granule(self):
        if self.old_names:
            return (
                f"S2A_OPER_MSI_L{self.level}_TL_EPA__20151230T202002_A002734_{TILE}_"
                "N02.01"
            )
        return f"L{self.level}_{TILE}_A041130_{self.date}T102601"

    def metadata_of_product(self):
        if self.old_names:
            return "S2A_OPER_MTD_SAFL1C_PDMC_20151230T202002_R008.xml"
        return f"MTD_MSIL{self.level}.xml"

    def metadata_of_tile(self):
        return (
            self.granule.replace("_MSI_", "_MTD_")[:-7] + ".xml"
            if (self.old_names)
            else "MTD_TL.xml"
        )

    def image(self, name, spacing):
        """Path of an image in the granule's IMG_DATA."""
        if self.old_names:
            return f"{self.granule[:-7]}_{name}.jp2"
        start = f"{TILE}_{self.date}T102601_{name}"
        if self.level == "1C":
            return f"{start}.jp2"
        return f"R{spacing}m/{start}_{spacing}m.jp2"


KINDS = {
    "new 2A": Kind("2A", "05.09"),
    "old 2A": Kind("2A", "02.14"),
    "new 1C": Kind("1C", "05.09"),
    "old 1C": Kind("1C", "02.04"),
    "1C of 2015": Kind("1C", "02.01", old_names=True),
}


def reflectance(seed=0, shape=SHAPE):
    """Reflectance x 10 000 of the ten bands, {band: (height, width) uint16}.

    Half is water, half vegetation; water is dark in B12. 0 lies in one corner.
    """
    rng = np.random.default_rng(seed)
    height, width = shape
    bands = {}
    for band in NEEDED:
        factor = 1 if band in FINE else 2
        size = (height // factor, width // factor)
        values = rng.integers(1500, 4000, size)
        values[: size[0] // 2] = rng.integers(60, 300, (size[0] // 2, size[1]))
        # The tile's corner that the satellite did not see.
        values[-12 // factor :, -20 // factor :] = 0
        bands[band] = values.astype("uint16")
    return bands


def scene_classes(shape=SHAPE):
    """Scene classification (height / 2, width / 2) of `reflectance`."""
    height, width = (side // 2 for side in shape)
    scl = np.full((height, width), VEGETATION, "uint8")
    scl[: height // 2] = WATER
    scl[-6:, -10:] = 0
    scl[10:15, 20:27] = CLOUD
    scl[40:43, 50:61] = SHADOW
    return scl


# Rows and columns of 20 m that the cloud masks of level 1C cover: multiples of 60 m.
CLOUDS_1C = (slice(9, 15), slice(21, 27))


def write_product(folder, kind, bands=None, scl=None, *, tiles=(TILE,)):
    """Write a product into a folder.

    Returns:
        Path of its .SAFE folder.
    """
    bands = reflectance() if bands is None else bands
    product = Path(folder) / kind.product
    product.mkdir(parents=True)
    text = product_xml(kind)
    (product / kind.metadata_of_product()).write_text(text)
    for tile in tiles:
        granule = product / "GRANULE" / kind.granule.replace(TILE, tile)
        write_tile(granule, kind, bands, scl, tile)
    return product


def write_tile(granule, kind, bands, scl, tile):
    (granule / "QI_DATA").mkdir(parents=True)
    name = kind.metadata_of_tile().replace(TILE, tile)
    (granule / name).write_text(tile_xml(bands["B2"].shape))
    for band, values in bands.items():
        spacing = 10 if band in FINE else 20
        numbers = np.where(values > 0, values.astype(int) - kind.offset, 0)
        padded = f"B{band[1:]:0>2}"
        image = kind.image(padded, spacing).replace(TILE, tile)
        write_jp2(granule / "IMG_DATA" / image, numbers.astype("uint16"), spacing)
    if kind.level == "2A":
        scl = scene_classes(bands["B2"].shape) if scl is None else scl
        write_jp2(granule / "IMG_DATA" / kind.image("SCL", 20), scl, 20)
        # Level 2A has the fine bands at 20 m, too.
        coarse = bands["B4"][::2, ::2] + 5
        write_jp2(granule / "IMG_DATA" / kind.image("B04", 20), coarse, 20)
    elif kind.baseline >= "04.00":
        write_classification(granule / "QI_DATA" / "MSK_CLASSI_B00.jp2", bands)
    else:
        name = "MSK_CLOUDS_B00.gml"
        if kind.old_names:
            name = kind.granule.replace("_MSI_L1C_TL_", "_MSK_CLOUDS_") + "_B00.gml"
        (granule / "QI_DATA" / name).write_text(clouds_gml())


def write_jp2(path, pixels, spacing):
    """Write a lossless JPEG 2000 image (height, width) or (bands, height, width)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = pixels if pixels.ndim == 3 else pixels[np.newaxis]
    with rasterio.open(
        path,
        "w",
        driver="JP2OpenJPEG",
        count=len(pixels),
        height=pixels.shape[1],
        width=pixels.shape[2],
        dtype=pixels.dtype,
        crs=f"EPSG:{EPSG}",
        transform=from_origin(*CORNER, spacing, spacing),
        QUALITY="100",
        REVERSIBLE="YES",
        BLOCKXSIZE=64,
        BLOCKYSIZE=64,
    ) as dataset:
        dataset.write(pixels)


def write_classification(path, bands):
    height, width = (side // 6 for side in bands["B2"].shape)
    masks = np.zeros((3, height, width), "uint8")
    rows, columns = (slice(x.start // 3, x.stop // 3) for x in CLOUDS_1C)
    masks[0, rows, columns] = 1
    # Snow is no cloud.
    masks[2, 0, 0] = 1
    write_jp2(path, masks, 60)


def clouds_gml():
    rows, columns = CLOUDS_1C
    left, right = (CORNER[0] + 20 * x for x in (columns.start, columns.stop))
    top, bottom = (CORNER[1] - 20 * y for y in (rows.start, rows.stop))
    corners = [(left, top), (right, top), (right, bottom), (left, bottom), (left, top)]
    points = " ".join(f"{x} {y}" for x, y in corners)
    return (
        '<?xml version="1.0" encoding="UTF-8"?>'
        '<eop:Mask xmlns:eop="http://www.opengis.net/eop/2.0" '
        'xmlns:gml="http://www.opengis.net/gml/3.2"><eop:maskMembers>'
        '<eop:MaskFeature gml:id="OPAQUE.0"><eop:maskType>OPAQUE</eop:maskType>'
        "<eop:extentOf><gml:Polygon><gml:exterior><gml:LinearRing>"
        f'<gml:posList srsDimension="2">{points}</gml:posList>'
        "</gml:LinearRing></gml:exterior></gml:Polygon></eop:extentOf>"
        "</eop:MaskFeature></eop:maskMembers></eop:Mask>"
    )


def product_xml(kind):
    """Metadata of a product, shortened, in ESA's structure."""
    root = f"Level-{kind.level}_User_Product"
    year, month, day = kind.date[:4], kind.date[4:6], kind.date[6:]
    tag, quantification = (
        ("BOA_ADD_OFFSET", "BOA_QUANTIFICATION_VALUE")
        if kind.level == "2A"
        else ("RADIO_ADD_OFFSET", "QUANTIFICATION_VALUE")
    )
    offsets = "".join(
        f'<{tag} band_id="{number}">{kind.offset}</{tag}>'
        for number in range(len(BANDS))
        if kind.offset
    )
    return (
        '<?xml version="1.0" encoding="UTF-8" standalone="no"?>\n'
        f'<n1:{root} xmlns:n1="https://psd-14.sentinel2.eo.esa.int/PSD/x.xsd">'
        "<n1:General_Info><Product_Info>"
        f"<PRODUCT_START_TIME>{year}-{month}-{day}T10:26:01.024Z</PRODUCT_START_TIME>"
        f"<PROCESSING_LEVEL>Level-{kind.level}</PROCESSING_LEVEL>"
        f"<PROCESSING_BASELINE>{kind.baseline}</PROCESSING_BASELINE>"
        "</Product_Info><Product_Image_Characteristics>"
        f'<{quantification} unit="none">10000</{quantification}>'
        f"<Offsets>{offsets}</Offsets>"
        f"</Product_Image_Characteristics></n1:General_Info></n1:{root}>"
    )


def tile_xml(shape):
    sizes = "".join(
        f'<Size resolution="{s}"><NROWS>{10 * shape[0] // s}</NROWS>'
        f"<NCOLS>{10 * shape[1] // s}</NCOLS></Size>"
        f'<Geoposition resolution="{s}"><ULX>{CORNER[0]}</ULX><ULY>{CORNER[1]}</ULY>'
        f"<XDIM>{s}</XDIM><YDIM>-{s}</YDIM></Geoposition>"
        for s in (60, 20, 10)
    )
    return (
        '<?xml version="1.0" encoding="UTF-8" standalone="no"?>\n'
        '<n1:Level-1C_Tile_ID xmlns:n1="https://psd-14.sentinel2.eo.esa.int/PSD/t.xsd">'
        "<n1:Geometric_Info><Tile_Geocoding>"
        f"<HORIZONTAL_CS_CODE>EPSG:{EPSG}</HORIZONTAL_CS_CODE>{sizes}"
        "</Tile_Geocoding></n1:Geometric_Info></n1:Level-1C_Tile_ID>"
    )


def zipped(product, *, remove=True):
    """Pack a product as a zip archive with its .SAFE folder inside.

    Returns:
        Path of the archive.
    """
    archive = product.with_suffix(".zip")
    made = shutil.make_archive(
        str(product.with_suffix("")), "zip", product.parent, product.name
    )
    assert Path(made) == archive
    if remove:
        shutil.rmtree(product)
    return archive


def expected_images(kind, bands, scl=None):
    """The scene's images (height, width, bands) that must come out, 10 m and 20 m."""
    hidden = np.zeros(bands["B5"].shape, bool)
    if kind.level == "2A":
        scl = scene_classes(bands["B2"].shape) if scl is None else scl
        hidden = np.isin(scl, [0, 1, 3, 8, 9, 10])
    else:
        hidden[CLOUDS_1C] = True
    fine = np.stack([bands[b] for b in ("B4", "B3", "B2", "B8")], axis=-1)
    coarse = np.stack(
        [bands[b] for b in ("B5", "B6", "B7", "B8A", "B11", "B12")], axis=-1
    )
    fine[hidden.repeat(2, 0).repeat(2, 1)] = 0
    coarse[hidden] = 0
    return fine, coarse
