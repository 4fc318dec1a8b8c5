"""Upscale a folder on a Ray cluster; see docs/bulk.md."""

import dataclasses
from pathlib import Path

import ray

from backend import Settings, UpscaleOptions, create_engine
from backend.bulk.folder_store import FolderStore
from backend.bulk.store import Item, Stores
from backend.bulk.work import make_job, work

photos, large = Path("photos").absolute(), Path("large").absolute()


class Upscale:
    """An actor that makes its engine once."""

    def __init__(self):
        engine = create_engine(Settings(threads=1))
        options = UpscaleOptions(scale=2, model="fast")
        self.job = make_job(engine, engine.registry, options, engine.settings)
        self.stores = Stores(source=FolderStore(photos), target=FolderStore(large))

    def __call__(self, row):
        """Do one picture and return its row of the report."""
        return dataclasses.asdict(work(Item(**row), self.job, self.stores))


items = [dataclasses.asdict(item) for item in FolderStore(photos).list()]
results = ray.data.from_items(items).map(Upscale, compute=ray.data.ActorPoolStrategy(size=2))
results.write_json(str(Path("report").absolute()))
