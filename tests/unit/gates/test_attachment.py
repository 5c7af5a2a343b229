"""What holds for gates that look beyond their site: they work in a whole network, its copies and its threads alike."""

import copy
import pickle
import threading
import warnings

import pytest
import torch
from built import built_network

from dasbench.catalog import GATES, TASKS
from dasbench.errors import ModelError
from dasbench.gates.attachment import PassMemory
from dasbench.models import GatedNetwork
from dasbench.resolution import resolve
from dasbench.spec.trial import Trial

NAMES = ("abn", "asr", "emca")


def make_trial(gate: object, **fields: object) -> Trial:
    backbone = {"name": "resnet18", "width": 4, "stem": "small"}
    data = {"name": "digits", "image_size": 16}
    return resolve(
        Trial.model_validate({"backbone": backbone, "gate": gate, "dataset": data, **fields})
    )


def make_network(gate: str, **fields: object) -> GatedNetwork:
    return built_network(make_trial(gate, **fields), num_classes=10)


@pytest.mark.parametrize("name", ["abn", "emca"])
def test_a_gate_that_was_not_attached_says_what_to_do(name: str) -> None:
    gate = GATES[name].make(8)

    with pytest.raises(ModelError, match="build_model"):
        gate(torch.zeros(2, 8, 4, 4))


@pytest.mark.parametrize("name", NAMES)
def test_copies_and_pickles_are_networks_of_their_own(name: str) -> None:
    original = make_network(name)
    x = torch.randn(2, 3, 16, 16)
    original(x)  # in train mode: what the gates keep must not stop the copying
    twins = copy.deepcopy(original), pickle.loads(pickle.dumps(original))
    before = original.eval()(x)

    for twin in twins:
        assert torch.equal(twin.eval()(x), before)
        with torch.no_grad():
            for parameter in twin.gates.parameters():
                parameter.fill_(0.3)
        assert not torch.equal(twin(x), before)
        assert torch.equal(original(x), before)


@pytest.mark.parametrize("name", NAMES)
def test_a_state_dict_round_trip_keeps_the_output(name: str) -> None:
    first, second = make_network(name, seed=0).eval(), make_network(name, seed=1).eval()
    x = torch.randn(2, 3, 16, 16)
    assert not torch.equal(first(x), second(x))

    second.load_state_dict(first.state_dict())

    assert torch.equal(first(x), second(x))


@pytest.mark.parametrize("name", NAMES)
def test_a_trace_computes_the_same_for_batches_and_images_of_other_sizes(name: str) -> None:
    network = make_network(name).eval()

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        traced = torch.jit.trace(network, torch.randn(2, 3, 16, 16))

    x = torch.randn(3, 3, 24, 20)
    torch.testing.assert_close(traced(x), network(x))


@pytest.mark.parametrize("name", NAMES)
def test_what_attaching_draws_depends_on_the_seed_alone(name: str) -> None:
    first = make_network(name).gates.state_dict()
    torch.manual_seed(7)
    again = make_network(name).gates.state_dict()
    other = make_network(name, seed=1).gates.state_dict()

    assert all(torch.equal(first[key], again[key]) for key in first)
    assert any(not torch.equal(first[key], other[key]) for key in first)


@pytest.mark.parametrize("name", NAMES)
def test_the_backbone_starts_as_the_plain_one(name: str) -> None:
    plain = make_network("none").backbone.state_dict()
    gated = make_network(name).backbone.state_dict()

    assert list(plain) == list(gated)
    assert all(torch.equal(plain[key], gated[key]) for key in plain)


@pytest.mark.parametrize("name", NAMES)
def test_training_on_one_batch_lowers_the_loss_and_moves_every_parameter(name: str) -> None:
    gate = (
        {"name": name} if name == "abn" else {"name": name, "reduction": 1}
    )  # wide enough for some units to be open
    learner = TASKS["classification"].make().build(make_trial(gate), device=torch.device("cpu"))
    learner.model.train()
    batch = list(next(iter(learner.batches(1))))
    start = {key: value.clone() for key, value in learner.model.gates.named_parameters()}
    optimizer = torch.optim.SGD(learner.model.parameters(), lr=0.1, momentum=0.9)

    losses = []
    for _ in range(15):
        optimizer.zero_grad()
        (loss,) = learner.losses(batch)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())

    assert losses[-1] < 0.7 * losses[0]
    assert [
        key
        for key, value in learner.model.gates.named_parameters()
        if torch.equal(value, start[key])
    ] == []


@pytest.mark.parametrize("name", NAMES)
def test_threads_share_a_network_without_mixing_their_batches(name: str) -> None:
    network = make_network(name).eval()
    batches = [torch.randn(size, 3, 16, 16) for size in (1, 2)]
    expected = [network(batch) for batch in batches]
    barrier = threading.Barrier(2, timeout=20)

    def meet(*_: object) -> None:
        """Let no pass go on before the other has come as far, with all that its gates keep."""
        barrier.wait()

    for stage in ("layer1", "layer2", "layer3"):
        network.backbone.get_submodule(stage).register_forward_hook(meet)
    outputs: dict[int, torch.Tensor] = {}

    def work(number: int) -> None:
        outputs[number] = network(batches[number])

    threads = [threading.Thread(target=work, args=(number,)) for number in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [torch.equal(outputs[number], expected[number]) for number in (0, 1)] == [True, True]


def test_a_memory_hands_out_in_the_order_of_numbers_and_only_once() -> None:
    memory = PassMemory()
    for number, value in ((2, 20.0), (0, 5.0), (0, 0.0), (1, 10.0)):
        memory.put(number, torch.tensor(value))

    assert [tensor.item() for tensor in memory.take()] == [0.0, 10.0, 20.0]
    assert memory.take() == []


def test_copies_of_a_memory_are_empty_and_shared_as_the_original_was() -> None:
    memory = PassMemory()
    memory.put(0, torch.ones(1, requires_grad=True) * 2)

    first, second = pickle.loads(pickle.dumps(copy.deepcopy((memory, memory))))

    assert first is second
    assert first.take() == []
    assert len(memory.take()) == 1
