"""What can be found about the files of hospital recordings, besides what is found inside of EDF and BDF."""

from __future__ import annotations

from bondstore.findings import FindingKind, Severity, registry

_ALLOW = "It was not copied. Keep it where the originals are, or encrypted: --allow."

KINDS = registry(
    FindingKind(
        "natus-file", Severity.ERROR, "A file of a Natus recorder; it holds the patient's name inside.", _ALLOW
    ),
    FindingKind(
        "nihon-kohden-file", Severity.ERROR, "A file of a Nihon Kohden recorder; it may name the patient.", _ALLOW
    ),
    FindingKind("persyst-file", Severity.ERROR, "A file of Persyst; it may name the patient.", _ALLOW),
    FindingKind(
        "document", Severity.ERROR, "A document; what it says of the patient cannot be taken out for sure.", _ALLOW
    ),
    FindingKind(
        "unknown-kind", Severity.ERROR, "The kind of the file is unknown, so nothing can be taken out of it.", _ALLOW
    ),
    FindingKind(
        "kept-sealed",
        Severity.WARNING,
        "Kept sealed: identified. The file names the patient inside, and was encrypted as it is.",
        "Who has a key of the crosswalk can decrypt it: bondstore cat FILE --unseal.",
    ),
    FindingKind(
        "several-people",
        Severity.ERROR,
        "The recordings of one folder name several people.",
        "Nothing of the folder was copied. Give each patient a folder of their own, or correct the headers.",
    ),
    FindingKind(
        "nobody-named",
        Severity.ERROR,
        "Neither a folder nor a header says whose file it is.",
        "It was not copied. Put it into a folder of its patient's name.",
    ),
    FindingKind(
        "person-doubtful",
        Severity.ERROR,
        "The patient may be in the crosswalk already, under another spelling.",
        "Say who it is with bondstore crosswalk add. Then run the same command again.",
    ),
    FindingKind(
        "video-not-cleaned",
        Severity.ERROR,
        "Video can be copied without its tags only where PyAV is installed.",
        "It was not copied. Install it with: pip install 'bondstore[video]'. Then run the same command again.",
    ),
    FindingKind(
        "video-without-place",
        Severity.ERROR,
        "A video, and no place for videos was named.",
        "It was not uploaded. Run the same command again with: --video-to URL",
    ),
    FindingKind(
        "left-behind",
        Severity.ERROR,
        "The second look found somebody in what would have been uploaded, or could not look into it.",
        "Nothing of the file was uploaded. Add the person to the list of names, and run the same command again.",
    ),
    FindingKind(
        "video-unreadable",
        Severity.ERROR,
        "The file is named as a video, and cannot be read as one.",
        "It was not copied. Look whether the recorder's own program plays it.",
    ),
    FindingKind(
        "video-cut",
        Severity.WARNING,
        "The video ends before its file says. What is there was copied.",
        "Look whether the original is whole where it came from.",
    ),
    FindingKind(
        "video-pictures-lost",
        Severity.WARNING,
        "Parts of the video could not be decoded, and are not in the copy with covered faces.",
        "Look whether the original is whole. Without --faces fill it is copied as it is.",
    ),
    FindingKind(
        "video-identifies",
        Severity.WARNING,
        "Picture and voice of a video identify the patient. Only what its file says besides was taken out.",
        "Share it only with those who may see the patient.",
    ),
    FindingKind(
        "notes-too-large",
        Severity.ERROR,
        "Notes of more than 64 MiB.",
        "They were not copied. Look whether the file is a text.",
    ),
    FindingKind(
        "samples-differ",
        Severity.ERROR,
        "The samples that would have been written are not those that were read.",
        "Nothing of the file was written. Report this as a defect.",
    ),
    FindingKind(
        "notes-doubtful",
        Severity.ERROR,
        "Notes that begin with no recording, or with several, within ten minutes.",
        "They were not copied. Once their recording is there, run the same command again.",
    ),
    FindingKind(
        "name-doubtful",
        Severity.WARNING,
        "Common words that may be somebody's name were kept.",
        "Look at the file's annotations before you share it.",
    ),
    FindingKind(
        "equal-starts",
        Severity.WARNING,
        "Two recordings of one person begin at the same moment; they are numbered by their names.",
        "Look whether one is a copy of the other.",
    ),
    FindingKind(
        "out-of-order",
        Severity.WARNING,
        "The recording began after one with a higher number that came later.",
        "Numbers that were given are kept. Go by the start times, not by the numbers.",
    ),
    FindingKind(
        "start-unknown",
        Severity.WARNING,
        "Nothing says when the recording began; it is numbered behind all others.",
        "Take its start from the hospital's records.",
    ),
    FindingKind(
        "same-day-folders",
        Severity.WARNING,
        "Several folders have the number of this day; their files were numbered together.",
        "Look whether one of them is of another day.",
    ),
    FindingKind(
        "start-by-file-time",
        Severity.INFO,
        "The video does not say when it began; it is numbered by the time that its file was written.",
        "Compare its place among the others with what it shows.",
    ),
)
PLANNED = KINDS.keys() - {"video-unreadable", "notes-too-large", "samples-differ", "left-behind"}
"""Reasons to refuse a file that another look may no longer give; the others were found as its bytes were read."""
