"""A builder that knows elementary functions, on numbers and vectors of float32 and float64.

How they are made, and why their bits are the same on every CPU and for any number of lanes, is told in
``math_kernel.py``. The largest errors found, in ulp; of float32 over all 2³² operands of functions of one,
else over some millions spread over all signs and exponents:

==========  =======  =======  ============
function    float32  float64  file
==========  =======  =======  ============
exp            1.06     1.01  math_exp.py
exp2           1.07     1.08  math_exp.py
expm1          1.66     1.97  math_exp.py
tanh           1.90     2.12  math_exp.py
sigmoid        1.71     1.64  math_exp.py
sinh           1.62     1.60  math_exp.py
cosh           1.52     1.45  math_exp.py
log            0.92     0.86  math_log.py
log1p          1.67     1.37  math_log.py
log2           1.60     1.01  math_log.py
log10          1.43     0.90  math_log.py
softplus       1.94     1.67  math_log.py
logaddexp      1.43     1.48  math_log.py
arcsinh        0.51     1.81  math_log.py
arccosh        0.51     2.51  math_log.py
arctanh        0.51     1.97  math_log.py
pow            0.51     1.19  math_pow.py
sin            0.96     0.92  math_trig.py
cos            0.96     0.91  math_trig.py
tan            1.72     2.31  math_trig.py
arctan         1.90     1.85  math_arc.py
arctan2        0.51     1.92  math_arc.py
arcsin         0.51     1.13  math_arc.py
arccos         0.51     1.08  math_arc.py
hypot          0.51     0.99  math_arc.py
erf            1.32     1.59  math_erf.py
==========  =======  =======  ============

The error of logaddexp is relative to the largest of |x|, |y| and |the result|: where the two cancel, its
operands do not hold more. Zeros and their signs, infinities, NaN and subnormal numbers are as in NumPy.
"""

from __future__ import annotations

from glassgrad.native.math_arc import Arc
from glassgrad.native.math_erf import ErrorFunction
from glassgrad.native.math_log import Logarithm
from glassgrad.native.math_pow import Power
from glassgrad.native.math_trig import Trigonometry
from glassgrad.native.math_whole import Division


class Math(Logarithm, Power, ErrorFunction, Trigonometry, Arc, Division):
    """A builder with every elementary function.

    Examples
    --------
    >>> import ctypes
    >>> from glassgrad.native.emit import F64, Code
    >>> from glassgrad.native.jit import compile_ir
    >>> code = Code()
    >>> f = code.function("gaussian", [F64], F64)
    >>> b = Math(code, f)
    >>> b.finish(b.exp(b.neg(b.mul(f.args[0], f.args[0]))))
    >>> gaussian = compile_ir(str(code), cache=False).function("gaussian", ctypes.c_double, [ctypes.c_double])
    >>> round(gaussian(0.5), 12)
    0.778800783071
    """
