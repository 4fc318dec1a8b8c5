"""Notes on what a result lacks, as codes for programs and sentences for people."""

from __future__ import annotations

from collections.abc import Mapping

FIRST_FRAME, HDR_TO_SDR, GAIN_MAP, EIGHT_BITS = (
    "first_frame",
    "hdr_to_sdr",
    "gain_map_dropped",
    "eight_bits",
)
NOTES: Mapping[str, str] = {
    FIRST_FRAME: "The file has several frames or pages; the result is the first one.",
    HDR_TO_SDR: "The picture is HDR; the result has the colours of an SDR screen.",
    GAIN_MAP: "The picture has an HDR gain map; the result is its SDR picture without the map.",
    EIGHT_BITS: "The picture has more than 8 bits a channel; the result has 8.",
}
