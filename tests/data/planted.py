"""Pictures of one colour planted in folders, and what is read from there."""

import io
import zipfile

from PIL import Image

PETS = [("cat/1.jpg", "cat", ""), ("cat/2.jpg", "cat", ""), ("dog/3.jpg", "dog", ""), ("dog/4.jpg", "dog", "")]
"""What is read from the four pictures of the fixture ``pets``: name, label and split."""


def picture(number, form="JPEG"):
    buffer = io.BytesIO()
    Image.new("RGB", (16, 16), (number * 37 % 256, number * 91 % 256, number * 11 % 256)).save(buffer, form)
    return buffer.getvalue()


def plant(root, *names, form="JPEG"):
    for number, name in enumerate(names):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(picture(number, form))
    return root


def zipped(folder, path):
    with zipfile.ZipFile(path, "w") as file:
        for entry in sorted(folder.rglob("*")):
            file.write(entry, entry.relative_to(folder))
    return path


def rows(dataset):
    return [
        (item.name, label, split)
        for item, label, split in zip(dataset.items, dataset.labels, dataset.splits, strict=True)
    ]
