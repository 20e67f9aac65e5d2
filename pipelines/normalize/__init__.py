"""From the bytes of records to typed pandas frames, exactly.

Two paths: a fast one with Arrow and pandas, and an exact one in plain Python. The exact path defines what is right, and
reads the doubtful records: those that the fast path cannot read. Storing the frames does not belong here.
"""

from pipelines.normalize.batch import Batch, frame_of
from pipelines.normalize.on_demand import combine, get_ready, normalize
from pipelines.normalize.personal import PersonalData
from pipelines.normalize.rejected import Rejected

__all__ = ["Batch", "PersonalData", "Rejected", "combine", "frame_of", "get_ready", "normalize"]
