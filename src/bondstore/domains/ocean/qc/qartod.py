"""The QARTOD tests of temperature and salinity, numbered as in the manual: ``qartod.spike(batch, "TEMP", …)``.

Source: IOOS (2020), Manual for Real-Time Quality Control of In-situ Temperature and Salinity Data, version 2.1.
"""

from bondstore.domains.ocean.qc.qartod_change import multi_variate, rate_of_change, rate_per_second
from bondstore.domains.ocean.qc.qartod_density import density_inversion, ts_space
from bondstore.domains.ocean.qc.qartod_location import location
from bondstore.domains.ocean.qc.qartod_neighbour import neighbour_test as neighbour
from bondstore.domains.ocean.qc.qartod_range import climatology, gross_range
from bondstore.domains.ocean.qc.qartod_spike import spike
from bondstore.domains.ocean.qc.qartod_still import attenuated_signal, flat_line
from bondstore.domains.ocean.qc.qartod_timing import gap, syntax

__all__ = [
    "attenuated_signal",
    "climatology",
    "density_inversion",
    "flat_line",
    "gap",
    "gross_range",
    "location",
    "multi_variate",
    "neighbour",
    "rate_of_change",
    "rate_per_second",
    "spike",
    "syntax",
    "ts_space",
]
