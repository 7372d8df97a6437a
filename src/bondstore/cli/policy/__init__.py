<<<<<<< HEAD
"""``bondstore policy``."""
=======
"""The commands of ``bondstore policy``."""
>>>>>>> e5adcc5 (bondstore policy make: the policies that open a study, participants or prefixes, split so that one participant more changes one)
