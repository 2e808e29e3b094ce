"""What contractions, linear algebra, sparse products and random draws mean, beyond the loops over all gates."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse, stats

import glassgrad as gg
from glassgrad.errors import DataError, GlassgradError, OperandError, ShapeError, UnsupportedError
from glassgrad.ops import contract, factor, linalg, philox, random
from glassgrad.ops.sparse import csr_matmul, sparse_matmul
from glassgrad.tensors import traced


@pytest.fixture
def rng():
    """A generator that starts the same way in every test."""
    return np.random.default_rng(0)


def _numerical(f, x, step=1e-6):
    """Central differences of a scalar function of one array."""
    gradient = np.zeros_like(x)
    for i in np.ndindex(x.shape):
        moved = [x.copy(), x.copy()]
        moved[0][i] += step
        moved[1][i] -= step
        gradient[i] = (f(moved[0]) - f(moved[1])) / (2 * step)
    return gradient


def _agrees(f, x, **tolerance):
    """Whether backward() gives the numerical gradient of the weighted sum of f."""
    weights = np.cos(np.arange(np.size(f(x)))).reshape(np.shape(f(x)))
    t = gg.tensor(x)
    np.sum(f(t) * weights).backward()
    expected = _numerical(lambda a: np.sum(f(a) * weights), x)
    np.testing.assert_allclose(t.grad, expected, **({"rtol": 1e-6, "atol": 1e-8} | tolerance))


# contract


@pytest.mark.parametrize(
    ("function", "s", "t"),
    [
        (np.dot, (), (2, 3)),
        (np.dot, (3,), (3,)),
        (np.dot, (2, 3), (3,)),
        (np.dot, (2, 3), (3, 4)),
        (np.dot, (3,), (2, 3, 2)),
        (np.dot, (2, 2, 3), (2, 3, 2)),
        (np.inner, (3,), ()),
        (np.inner, (2, 3), (3,)),
        (np.inner, (2, 3), (4, 3)),
        (np.inner, (3,), (2, 2, 3)),
        (np.vdot, (2, 3), (3, 2)),
        (np.outer, (2, 2), (3,)),
        (np.kron, (2,), (2, 2)),
        (np.kron, (2, 1, 2), (3,)),
        (np.vecdot, (2, 1, 3), (4, 3)),
        (np.linalg.vecdot, (2, 3), (3,)),
        (np.linalg.matmul, (2, 3), (3, 1)),
    ],
)
def test_products_are_numpys_in_value_and_gradient(rng, function, s, t):
    x, y = rng.normal(size=s), rng.normal(size=t)
    np.testing.assert_allclose(function(gg.tensor(x), y).value, function(x, y), rtol=1e-13)
    _agrees(lambda a: function(a, y), x)
    _agrees(lambda a: function(x, a), y)


@pytest.mark.parametrize("axes", [0, 1, 2, ((0,), (1,)), (-1, 0), ([1, 0], [0, 1])])
def test_tensordot(rng, axes):
    x, y = rng.normal(size=(2, 2)), rng.normal(size=(2, 2))
    np.testing.assert_allclose(np.tensordot(gg.tensor(x), y, axes).value, np.tensordot(x, y, axes))
    _agrees(lambda a: np.tensordot(a, y, axes), x)


def test_multi_dot_with_vectors_at_the_ends(rng):
    x, y, z = rng.normal(size=3), rng.normal(size=(3, 4)), rng.normal(size=(4, 2))
    for chain in ([x, y, z], [y, z], [y, z, z.T[:, 0]], [x, y, z, z.T[:, 0]]):
        np.testing.assert_allclose(
            np.linalg.multi_dot([gg.tensor(a) for a in chain]).value, np.linalg.multi_dot(chain), rtol=1e-12
        )
    with pytest.raises(ShapeError, match="two matrices or more"):
        np.linalg.multi_dot([gg.tensor(x)])


@pytest.mark.parametrize(
    ("subscripts", "shapes"),
    [
        ("ij , jk", [(2, 3), (3, 2)]),
        ("ba", [(2, 3)]),
        ("ii", [(3, 3)]),
        ("...ij,...jk->...ik", [(2, 1, 2, 3), (3, 3, 2)]),
        ("...ij,jk", [(2, 2, 3), (3, 2)]),
        ("i...->...", [(3, 2)]),
        ("...,...", [(2, 3), (3,)]),
        ("i...i->...i", [(2, 3, 2)]),
        ("...,i->i...", [(), (3,)]),
        ("a,b,c->cab", [(2,), (1,), (3,)]),
        ("ij,ij->", [(1, 3), (2, 3)]),
    ],
)
def test_einsum_is_numpys(rng, subscripts, shapes):
    xs = [rng.normal(size=s) for s in shapes]
    np.testing.assert_allclose(
        np.einsum(subscripts, *[gg.tensor(x) for x in xs]).value, np.einsum(subscripts, *xs), rtol=1e-12
    )
    for i, x in enumerate(xs):
        _agrees(lambda a, i=i: np.einsum(subscripts, *xs[:i], a, *xs[i + 1 :]), x)


def test_einsum_of_random_subscripts(rng):
    for _ in range(60):
        sizes = {c: int(rng.integers(1, 4)) for c in "ijkl"}
        terms = ["".join(rng.choice(list(sizes), rng.integers(0, 4))) for _ in range(rng.integers(1, 4))]
        used = sorted(set("".join(terms)))
        output = "".join(rng.permutation(used)[: rng.integers(0, len(used) + 1)])
        xs = [rng.normal(size=[sizes[c] for c in term]) for term in terms]
        subscripts = f"{','.join(terms)}->{output}"
        for i, x in enumerate(xs):
            _agrees(lambda a, i=i, s=subscripts, xs=xs: np.einsum(s, *xs[:i], a, *xs[i + 1 :]), x, atol=1e-6)


@pytest.mark.parametrize(
    ("subscripts", "shapes", "message"),
    [
        ("ij->ii", [(2, 2)], "twice"),
        ("ij->k", [(2, 2)], "no operand has it"),
        ("ij,jk", [(2, 2)], "names 2 operands"),
        ("ij", [(2, 2, 2)], "one by one"),
        ("ii", [(1, 3)], "label 'i' has size"),
        ("ij,jk", [(2, 3), (2, 3)], "label 'j' has size"),
        ("...i->i", [(2, 3)], "'...' too"),
        ("i1", [(2, 2)], "write letters"),
    ],
)
def test_einsum_says_what_is_wrong(subscripts, shapes, message):
    with pytest.raises(ShapeError, match=message):
        np.einsum(subscripts, *[gg.tensor(np.ones(s)) for s in shapes])


def test_einsum_refuses_lists_of_axes():
    with pytest.raises(UnsupportedError, match="as a string"):
        np.einsum(gg.tensor(np.ones((2, 2))), [0, 0])


def test_products_refuse_out():
    x = gg.tensor(np.ones((2, 2)))
    for call in (np.dot, np.outer):
        with pytest.raises(UnsupportedError, match="out"):
            call(x, x, out=np.ones((2, 2)))


@pytest.mark.parametrize(
    ("s", "t", "message"),
    [((), (3,), "no scalars"), ((2, 3), (2, 3), "last size"), ((2, 2, 2), (3, 2, 2), "do not broadcast")],
)
def test_matmul_of_shapes_that_do_not_fit(s, t, message):
    with pytest.raises(ShapeError, match=message):
        np.matmul(gg.tensor(np.ones(s)), np.ones(t))


def test_tensordot_of_axes_that_do_not_pair():
    x = gg.tensor(np.ones((2, 3)))
    with pytest.raises(ShapeError, match="pair up"):
        np.tensordot(x, x, 1)
    with pytest.raises(ShapeError, match="axis 5"):
        np.tensordot(x, x, (5, 0))


def test_batched_layer_gradient_is_one_matrix_product(rng):
    x, w = rng.normal(size=(2, 3, 4)), rng.normal(size=(4, 2))
    g = rng.normal(size=(2, 3, 2))
    gradient = contract.matmul.rule(1)(g, x @ w, x, w)
    assert gradient.shape == w.shape
    np.testing.assert_allclose(gradient, np.einsum("bij,bik->jk", x, g))


# linear algebra


@pytest.mark.parametrize("function", [np.linalg.inv, np.linalg.det, np.linalg.pinv])
def test_float32_stays_and_integers_become_float64(function):
    x = np.array([[2, 1], [1, 3]])
    assert function(gg.tensor(x)).dtype == np.float64
    t = gg.tensor(x.astype(np.float32))
    np.sum(function(t)).backward()
    assert function(t).dtype == t.grad.dtype == np.float32


def test_named_results_have_numpys_fields(rng):
    t = gg.tensor(rng.normal(size=(3, 2)))
    square = gg.tensor(np.diag([1.0, 2.0]))
    for ours, theirs in (
        (np.linalg.qr(t), np.linalg.qr(t.value)),
        (np.linalg.svd(t, full_matrices=False), np.linalg.svd(t.value, full_matrices=False)),
        (np.linalg.eigh(square), np.linalg.eigh(square.value)),
        (np.linalg.slogdet(square), np.linalg.slogdet(square.value)),
    ):
        assert ours._fields == theirs._fields
        for a, b in zip(ours, theirs, strict=True):
            np.testing.assert_allclose(a.value, b)


def test_determinant_of_a_singular_matrix_has_a_gradient():
    for x in (np.array([[1.0, 2.0], [2.0, 4.0]]), np.zeros((2, 2)), np.diag([1.0, 2.0, 0.0]), np.zeros((1, 1))):
        _agrees(np.linalg.det, x)


@pytest.mark.parametrize(
    ("gate", "operands", "message"),
    [
        (linalg.inv, (np.ones((2, 2)),), "pinv"),
        (linalg.solve, (np.ones((2, 2)), np.ones(2)), "least squares"),
        (factor.cholesky, (np.zeros((2, 2)),), "multiple of np.eye"),
    ],
)
def test_singular_matrices_are_a_clear_error(gate, operands, message):
    with pytest.raises(np.linalg.LinAlgError, match=message):
        gate(*operands)
    with pytest.raises(ValueError, match=message):
        gate(*[gg.tensor(x) for x in operands])


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda x: np.linalg.inv(x), ShapeError, "square matrices, not 2 × 3"),
        (lambda x: np.linalg.qr(x), ShapeError, "factor its transpose"),
        (lambda x: np.linalg.qr(x.T, mode="complete"), UnsupportedError, "reduced"),
        (lambda x: np.linalg.svd(x), UnsupportedError, "full_matrices=False"),
        (lambda x: np.linalg.svd(x, full_matrices=False, hermitian=True), UnsupportedError, "eigh"),
        (lambda x: np.linalg.eigh(x[:, :2], UPLO="X"), UnsupportedError, "UPLO"),
        (lambda x: np.linalg.pinv(x, hermitian=True), UnsupportedError, "hermitian"),
        (lambda x: np.linalg.solve(x[:, :2], np.ones(3)), ShapeError, "needs 2 rows"),
        (lambda x: np.linalg.det(x[0]), ShapeError, "stack of matrices"),
        (lambda x: np.linalg.inv(x[:, :2].astype(np.float16)), OperandError, "float16"),
    ],
)
def test_linear_algebra_says_what_is_wrong(call, error, message):
    with pytest.raises(error, match=message):
        call(gg.tensor(np.array([[2.0, 1.0, 0.0], [1.0, 3.0, 1.0]])))


def test_eigenvalues_that_coincide():
    t = gg.tensor(np.eye(3))
    np.sum(np.linalg.eigvalsh(t) * np.array([1.0, 1.0, 1.0])).backward()
    np.testing.assert_allclose(t.grad, np.eye(3))
    np.sum(np.linalg.svdvals(t)).backward()
    np.testing.assert_allclose(t.grad, np.eye(3))
    with np.errstate(all="ignore"):
        np.sum(np.linalg.eigh(t).eigenvectors * np.arange(9.0).reshape(3, 3)).backward()
    assert not np.isfinite(t.grad).all()


def test_symmetric_functions_have_symmetric_gradients(rng):
    x = rng.normal(size=(3, 3))
    x = x @ x.T + 3 * np.eye(3)
    for f in (np.linalg.cholesky, lambda a: np.linalg.eigh(a).eigenvectors ** 3):
        t = gg.tensor(x)
        np.sum(f(t) * rng.normal(size=(3, 3))).backward()
        np.testing.assert_allclose(t.grad, t.grad.T)


def test_upper_cholesky_and_matrix_power_zero():
    x = np.array([[4.0, 2.0], [2.0, 2.0]])
    np.testing.assert_allclose(np.linalg.cholesky(gg.tensor(x), upper=True).value, np.linalg.cholesky(x).T)
    np.testing.assert_array_equal(linalg.matrix_power(gg.tensor(x), 0), np.eye(2))


def test_hessian_of_log_determinant(rng):
    x = rng.normal(size=(2, 2)) + 3 * np.eye(2)
    inverse = np.linalg.inv(x)
    expected = -np.einsum("li,jk->ijkl", inverse, inverse)
    np.testing.assert_allclose(gg.hessian(lambda a: np.linalg.slogdet(a)[1])(x), expected, rtol=1e-10)


# sparse


@pytest.mark.parametrize("form", ["csr", "csc", "coo", "lil", "dia"])
@pytest.mark.parametrize("tail", [(), (2,)])
def test_sparse_products_in_every_format(rng, form, tail):
    dense = rng.normal(size=(4, 3)) * (rng.random((4, 3)) < 0.6)
    matrix = sparse.coo_array(dense).asformat(form)
    x = rng.normal(size=(3, *tail))
    np.testing.assert_allclose(sparse_matmul(matrix, x), dense @ x)
    _agrees(lambda a: sparse_matmul(matrix, a), x)


def test_stored_values_get_the_dense_gradient_at_their_places(rng):
    dense = np.array([[1.0, 0.0, 2.0], [0.0, 0.0, 0.0], [0.0, 3.0, 0.0]])
    csr, x, weights = sparse.csr_array(dense), rng.normal(size=(3, 2)), rng.normal(size=(3, 2))
    values, full = gg.tensor(csr.data), gg.tensor(dense)
    np.sum(sparse_matmul(csr, x, values) ** 2 * weights).backward()
    np.sum((full @ x) ** 2 * weights).backward()
    np.testing.assert_allclose(values.grad, full.grad[dense != 0])


def test_sparse_product_without_tensors_is_a_plain_array_of_numpys_dtype():
    csr = sparse.csr_array(np.eye(2, dtype=np.float32))
    assert type(sparse_matmul(csr, [1, 2])) is np.ndarray
    assert sparse_matmul(csr, np.ones(2, np.float32)).dtype == np.float32
    assert sparse_matmul(sparse.csr_array(np.eye(2, dtype=bool)), np.ones(2, np.float32)).dtype == np.float32


def test_sparse_gradients_of_order_two(rng):
    csr = sparse.csr_array(np.array([[1.0, 0.0], [2.0, 3.0]]))
    hessian = gg.hessian(lambda v: np.sum(sparse_matmul(csr, np.ones(2), v) ** 3))(csr.data)
    expected = np.array([[6.0, 0, 0], [0, 30, 30], [0, 30, 30]])
    np.testing.assert_allclose(hessian, expected)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda a, x: sparse_matmul(a.toarray(), x), OperandError, "SciPy sparse matrix"),
        (lambda a, x: sparse_matmul(a, a), OperandError, "toarray"),
        (lambda a, x: sparse_matmul(a, x[:1]), ShapeError, "3 × 2 multiplies a vector of 2"),
        (lambda a, x: sparse_matmul(a, x, np.ones(7)), ShapeError, "stores 2 numbers"),
        (lambda a, x: sparse_matmul(a, np.array(["a", "b"])), OperandError, "real numbers"),
        (
            lambda a, x: csr_matmul(a.data, a.indices, a.indptr[1:], x, shape=(3, 2), transposed=False),
            ShapeError,
            "row",
        ),
    ],
)
def test_sparse_products_say_what_is_wrong(call, error, message):
    matrix = sparse.csr_array(np.array([[1.0, 0.0], [0.0, 1.0], [0.0, 0.0]]))
    with pytest.raises(error, match=message):
        call(matrix, gg.tensor(np.ones(2)))


def test_a_broken_csr_matrix_is_an_error_and_not_a_crash():
    matrix = sparse.csr_array(np.eye(2))
    matrix.indices[0] = 1_000_000
    with pytest.raises(ValueError, match="indices"):
        sparse_matmul(matrix, np.ones(2))


# random


@pytest.mark.parametrize(
    ("counter", "key", "words"),
    [
        ("00000000 00000000 00000000 00000000", "00000000 00000000", "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
        ("ffffffff ffffffff ffffffff ffffffff", "ffffffff ffffffff", "408f276d 41c83b0e a20bc7c6 6d5451fd"),
        ("243f6a88 85a308d3 13198a2e 03707344", "a4093822 299f31d0", "d16cfe09 94fdcceb 5001e420 24126ea1"),
    ],
)
def test_philox_gives_the_published_words(counter, key, words):
    counter, key, words = (np.array([int(w, 16) for w in text.split()], np.uint32) for text in (counter, key, words))
    np.testing.assert_array_equal(philox.philox(counter[:, None], key)[0], words)


def test_word_i_is_lane_i_modulo_4_of_block_i_over_4():
    key = random.key(0xA4093822 + (0x299F31D0 << 32))
    np.testing.assert_array_equal(key, [0xA4093822, 0x299F31D0])
    block = philox.philox(np.array([[5], [0], [0], [0]], np.uint32), key)[0]
    np.testing.assert_array_equal(random.bits(key, 24)[20:], block)


def test_an_element_depends_on_key_and_index_only():
    key = random.key(11)
    for draw in (
        random.bits,
        random.uniform,
        random.normal,
        lambda k, n: random.uniform(k, n, np.float32),
        lambda k, n: random.normal(k, n, np.float32),
        lambda k, n: random.integers(k, 10, n),
        lambda k, n: random.bernoulli(k, 0.3, n),
    ):
        long = draw(key, 100_003)
        for n in (0, 1, 2, 5, 99):
            np.testing.assert_array_equal(draw(key, n), long[:n])
        np.testing.assert_array_equal(draw(key, (4, 5)), long[:20].reshape(4, 5))


def test_draws_are_made_of_the_words_that_are_documented():
    key = random.key(3)
    words = [int(w) for w in random.bits(key, 8)]
    long = [words[2 * i] + (words[2 * i + 1] << 32) for i in range(4)]
    np.testing.assert_array_equal(random.uniform(key, 8, np.float32), [(w >> 8) / 2**24 for w in words])
    np.testing.assert_array_equal(random.uniform(key, 4), [(w >> 11) / 2**53 for w in long])
    np.testing.assert_array_equal(random.integers(key, 10, 8), [w * 10 >> 32 for w in words])
    np.testing.assert_array_equal(random.bernoulli(key, 0.5, 8), [w >> 8 < 2**23 for w in words])
    np.testing.assert_array_equal(random.permutation(key, 4), np.argsort(long))
    radius, turn = np.sqrt(-2 * np.log(((long[0] >> 11) + 1) / 2**53)), 2 * np.pi * (long[1] >> 11) / 2**53
    np.testing.assert_allclose(random.normal(key, 2), [radius * np.cos(turn), radius * np.sin(turn)], rtol=1e-14)
    radius, turn = np.sqrt(-2 * np.log((words[0] + 1) / 2**32)), 2 * np.pi * (words[1] >> 8) / 2**24
    expected = [radius * np.cos(turn), radius * np.sin(turn)]
    np.testing.assert_allclose(random.normal(key, 2, np.float32), expected, rtol=1e-6)


def test_normal_draws_have_fixed_bits():
    assert [float(x).hex() for x in random.normal(random.key(0), 3)] == [
        "-0x1.973628c131c04p-2",
        "-0x1.3dd84ff91e709p-2",
        "0x1.63083c830bea5p+0",
    ]
    assert [float(x).hex() for x in random.normal(random.key(0), 3, np.float32)] == [
        "0x1.fb765e0000000p-1",
        "-0x1.d96d660000000p-1",
        "-0x1.3c37440000000p-1",
    ]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_transform_is_as_exact_as_its_dtype(dtype):
    info = np.finfo(dtype)
    u = np.random.default_rng(0).random(20_000).astype(dtype)
    u = np.concatenate([u[(u > 0) & (u < 1)], np.array([2.0**-53, 2.0**-32, 0.25, 0.5, 1], dtype)])
    logs = np.log(u.astype(np.longdouble))
    assert np.all(np.abs(philox._log(u) - logs) <= info.eps * np.abs(logs))
    cosine, sine = philox._cos_sin(np.concatenate([u[u < 1], np.arange(0, 1, 0.125, dtype)]))
    angle = 2 * np.arctan(np.longdouble(1)) * 4 * np.concatenate([u[u < 1], np.arange(0, 1, 0.125, dtype)])
    assert np.abs(cosine - np.cos(angle)).max() <= info.eps
    assert np.abs(sine - np.sin(angle)).max() <= info.eps


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("seed", [0, 1, 2**40])
def test_draws_follow_their_distribution(dtype, seed):
    key, n = random.key(seed), 40_000
    u, z = random.uniform(key, n, dtype), random.normal(key, n, dtype).astype(np.float64)
    assert u.dtype == dtype
    assert 0 <= u.min() < u.max() < 1
    assert stats.kstest(u.astype(np.float64), "uniform").pvalue > 1e-3
    assert stats.kstest(z, "norm").pvalue > 1e-3
    assert abs(z.mean()) < 5 / np.sqrt(n)
    assert abs(z.std() - 1) < 5 / np.sqrt(2 * n)
    assert abs(stats.kurtosis(z)) < 5 * np.sqrt(24 / n)
    assert abs(np.corrcoef(z[0::2], z[1::2])[0, 1]) < 5 / np.sqrt(n / 2)


def test_masks_and_whole_numbers_follow_their_distribution():
    key, n = random.key(5), 40_000
    for p in (0.0, 0.1, 0.5, 1.0):
        assert abs(random.bernoulli(key, p, n).mean() - p) <= 5 * np.sqrt(p * (1 - p) / n)
    assert stats.chisquare(np.bincount(random.integers(key, 7, n), minlength=7)).pvalue > 1e-3
    assert random.integers(key, 1, 5).tolist() == [0] * 5
    assert random.integers(key, 2**32, 3).tolist() == random.bits(key, 3).tolist()


def test_permutations_are_even_and_complete():
    counts = {}
    for i in range(6000):
        order = tuple(random.permutation(random.fold_in(random.key(1), i), 3).tolist())
        counts[order] = counts.get(order, 0) + 1
    assert len(counts) == 6
    assert stats.chisquare(list(counts.values())).pvalue > 1e-3
    assert sorted(random.permutation(random.key(2), 1000).tolist()) == list(range(1000))


def test_derived_keys_differ_from_each_other_and_from_draws():
    key = random.key(9)
    keys = [key, *random.split(key, 50), *(random.fold_in(key, i) for i in range(50)), random.fold_in(key, -1)]
    keys += list(random.bits(key, (200, 2)))
    assert len({tuple(k.tolist()) for k in keys}) == len(keys)
    np.testing.assert_array_equal(random.split(key, 3), random.split(key, 5)[:3])
    np.testing.assert_array_equal(random.fold_in(key, 7), random.fold_in(key, np.int32(7)))
    np.testing.assert_array_equal(random.fold_in(key, -1), random.fold_in(key, 2**64 - 1))


def test_a_step_count_and_a_key_may_be_wires():
    key = random.key(4)
    wire = random.fold_in(gg.tensor(key), gg.tensor(3))
    np.testing.assert_array_equal(wire.value, random.fold_in(key, 3))
    np.testing.assert_array_equal(random.normal(wire, 5).value, random.normal(random.fold_in(key, 3), 5))
    _, second = random.split(gg.tensor(key))
    np.testing.assert_array_equal(second.value, random.split(key)[1])
    step = traced((), np.int64)
    noise = random.normal(random.fold_in(key, step), (2, 3), np.float32)
    assert (noise.shape, noise.dtype) == ((2, 3), np.float32)


def test_gradients_flow_around_a_draw_and_not_into_it():
    low, high, key = gg.tensor(-1.0), gg.tensor(3.0), random.key(8)
    np.sum(random.uniform(key, 100, low=low, high=high)).backward()
    u = random.uniform(key, 100)
    np.testing.assert_allclose([low.grad, high.grad], [np.sum(1 - u), np.sum(u)])
    assert isinstance(random.draw_normal.rule(0), str)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: random.normal(0, 3), "a random key is uint32"),
        (lambda: random.normal(gg.tensor([1, 2]), 3), "a random key is uint32"),
        (lambda: random.key(-1), "between 0 and"),
        (lambda: random.key(1.5), "whole number"),
        (lambda: random.fold_in(random.key(0), 1.5), "whole number"),
        (lambda: random.fold_in(random.key(0), gg.tensor([1, 2])), "whole number"),
        (lambda: random.uniform(random.key(0), 3, np.int64), "float32 or float64"),
        (lambda: random.uniform(random.key(0), (2, -1)), "negative"),
        (lambda: random.bernoulli(random.key(0), 1.5, 3), "probability"),
        (lambda: random.integers(random.key(0), 0, 3), "1 <= n"),
    ],
)
def test_random_draws_say_what_is_wrong(call, message):
    with pytest.raises(GlassgradError, match=message) as caught:
        call()
    assert isinstance(caught.value, DataError | OperandError | ShapeError)


@pytest.mark.parametrize("n", [4095, 4096, 50_000])
def test_a_permutation_is_the_stable_sorting_order_of_its_words(n):
    key = random.key(11)
    words = philox.long_words_of(key, n)
    np.testing.assert_array_equal(random.permutation(key, n), np.argsort(words, kind="stable"))
    low = words & np.uint64(0xFFFF)
    pairs = words.copy()
    pairs[7:4000:100] = pairs[8:4000:100] ^ low[8:4000:100]  # upper halves that are equal
    for tied in (np.tile(words[: n // 5], 5) >> np.uint64(13), low, pairs):
        np.testing.assert_array_equal(random._sorting_order(tied), np.argsort(tied, kind="stable"))
