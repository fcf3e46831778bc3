"""Records that come with crm: a pipeline for everybody, deals and activities for the demo."""

from hansa_crm.entities import Pipeline, Stage
from hansa_crm.seeds.demo import demo_seeds
from hansa_sdk import Seed

_sales = Pipeline(name="Sales")
_stages = {
    key: Stage(pipeline=_sales, name=name, position=position, probability=probability)
    for position, (key, name, probability) in enumerate(
        (
            ("new", "New", 10),
            ("qualified", "Qualified", 30),
            ("proposal", "Proposal", 60),
            ("negotiation", "Negotiation", 80),
        ),
        start=1,
    )
}

seeds: tuple[Seed, ...] = (
    Seed("crm.pipeline.sales", _sales),
    *(Seed(f"crm.stage.sales.{key}", stage) for key, stage in _stages.items()),
    *demo_seeds(_stages),
)
