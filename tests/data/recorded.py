"""Pictures and scans that hold what a camera or a scanner wrote into them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from PIL import ExifTags
from PIL import Image as Pillow

from tests.data.pictures import noise, save


def photograph(path: Path, camera: dict[str, Any], position: dict[str, Any] | None = None) -> Path:
    """A picture with tags of its camera and, where they are given, of its position."""
    exif = Pillow.Exif()
    main = {"Model", "Make"}
    exif.update({ExifTags.Base[name].value: value for name, value in camera.items() if name in main})
    inner = exif.get_ifd(ExifTags.IFD.Exif)
    inner.update({ExifTags.Base[name].value: value for name, value in camera.items() if name not in main})
    exif.get_ifd(ExifTags.IFD.GPSInfo).update({ExifTags.GPS[n].value: v for n, v in (position or {}).items()})
    return save(path, noise(8, 8), exif=exif.tobytes())


def scan(path: Path, _syntax: str = "1.2.840.10008.1.2.1", **tags: str) -> Path:
    """A DICOM file without pixels."""
    import pydicom

    content = pydicom.Dataset()
    content.file_meta = pydicom.dataset.FileMetaDataset()
    content.file_meta.TransferSyntaxUID = _syntax
    content.SOPClassUID, content.SOPInstanceUID = "1.2.840.10008.5.1.4.1.1.7", "1.2.3"
    for name, value in tags.items():
        setattr(content, name, value)
    path.parent.mkdir(parents=True, exist_ok=True)
    content.save_as(path, enforce_file_format=True)
    return path
