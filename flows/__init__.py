"""The flows that Prefect deploys: the edge of the project.

Each run loads its modules in a process of its own, on top of Prefect's million objects. They stay
until its end, so they are set aside: else the collector walks all of them meanwhile, for nothing.
"""

import gc

gc.freeze()
