"""The values that the page's rooms share: `Shared` for all visitors, `Page` for one run."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from weakref import WeakValueDictionary

    from anyio import CapacityLimiter

    from backend.images.picture import Decode
    from backend.inference.local_engine import LocalEngine
    from backend.requests.sources.any_source import AnySource
    from webapp.base.files import Disk
    from webapp.base.gate import Gate
    from webapp.base.texts import Texts
    from webapp.client.remote import RemoteEngine
    from webapp.result.downloads import Archive, Download, EncodingLimits
    from webapp.result.zoom import DecodedPictures
    from webapp.settings import PageSettings
    from webapp.tabs import Tab, Tabs
    from webapp.work.enhance import EnhanceRequest
    from webapp.work.jobs import Job, Jobs
    from webapp.work.live import Live
    from webapp.work.progress import SavingPace


@dataclass(frozen=True, kw_only=True)
class Shared:
    """The engines with their queues, the open tabs, and the disk for their files."""

    settings: PageSettings
    engine: LocalEngine
    cloud: RemoteEngine | None
    """The deployed endpoint, if one is configured."""
    source: AnySource
    decode: Decode
    """Decoding in a process of its own, which bounds the cost of a hostile file."""
    jobs: Jobs
    cloud_jobs: Jobs
    looks: Jobs
    """First looks, which the engine makes first."""
    lives: WeakValueDictionary[str, Live]
    """Work under way, by its secret; gone when nobody holds it any more."""
    disk: Disk
    tabs: Tabs
    downloads: WeakValueDictionary[str, Download]
    """All downloads by their secrets; each is gone when its tab lets go of it."""
    archives: WeakValueDictionary[str, Archive]
    encoding: EncodingLimits
    decoded: DecodedPictures
    saving: SavingPace
    samples: Tab
    """The samples' inspections and results, which all visitors share."""
    inspection_gate: Gate
    links: CapacityLimiter
    """Links that are fetched at a time."""


@dataclass(frozen=True, kw_only=True)
class Page:
    """One run of the page: whose tab it is, what all visitors share, and the words."""

    tab: Tab
    shared: Shared
    t: Texts
    running: dict[EnhanceRequest, Job] = field(default_factory=dict)
    """The tab's jobs that all parts of the page take for running, though one may end meanwhile."""
