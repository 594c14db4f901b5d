import pytest

from netns.net import Net, available
from netns.site import Site


@pytest.fixture
def site(tmp_path):
    why = available()
    if why is not None:
        pytest.skip(why)
    with Net() as net, Site(net, tmp_path) as s:
        yield s
