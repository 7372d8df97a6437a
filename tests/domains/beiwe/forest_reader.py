"""Read a folder with forest's own readers and print what they see, as JSON: run in forest's environment.

``python forest_reader.py FOLDER PARTICIPANT STREAM…``; with ``survey_timings`` and ``survey_answers`` sycamore reads,
with other streams poplar does.
"""

import json
import logging
import sys
import types
import warnings

sys.modules["librosa"] = types.ModuleType("librosa")  # it only measures how long recordings are
warnings.simplefilter("ignore")

from forest.poplar.legacy.common_funcs import read_data  # noqa: E402
from forest.sycamore.common import aggregate_surveys, read_aggregate_answers_stream  # noqa: E402

told = []


class _Told(logging.Handler):
    def emit(self, record):
        told.append(record.getMessage())


logging.getLogger("forest").addHandler(_Told())


def read(folder, participant, stream):
    if stream == "survey_timings":
        return aggregate_surveys(folder, [participant])
    if stream == "survey_answers":
        return read_aggregate_answers_stream(folder, [participant])
    return read_data(participant, folder, stream, "UTC", [2000, 1, 1, 0, 0, 0], None)[0]


if __name__ == "__main__":
    folder, participant, *streams = sys.argv[1:]
    tables = {}
    for stream in streams:
        table = read(folder, participant, stream)
        tables[stream] = json.loads(table.to_json(orient="records"))
    print(json.dumps({"tables": tables, "told": told}))
