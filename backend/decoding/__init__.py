"""Pictures decoded in a process of their own, which a hostile file can keep busy only so long."""

from backend.decoding.decode_process import DecodeProcess, is_supported

__all__ = ["DecodeProcess", "is_supported"]
