"""From the bytes of records to typed frames, exactly.

Two lanes: a fast one in Arrow, and an exact one in plain Python that defines what is right and takes whatever the
fast one refuses. What is stored where does not belong here.
"""

from pipelines.normalize.batch import Batch, frame_of, get_ready, normalize
from pipelines.normalize.fast_path import Rejected, Typed, together, typed
from pipelines.normalize.personal import PersonalData

__all__ = ["Batch", "PersonalData", "Rejected", "Typed", "frame_of", "get_ready", "normalize", "together", "typed"]
