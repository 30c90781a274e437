# mypy: disable-error-code="no-untyped-call"
"""How the functions that kernels call are compiled: to LLVM's code, not optimised, and no further.

Left to itself, Numba makes each of them a library of its own: it optimises it together with everything that it calls,
makes machine code of it, and a function that Python can call. Its callers then link it and optimise it again, so a
function five calls deep was optimised five times and more. Here only a kernel is: with all that it calls, once. Its
machine code runs as fast, for LLVM decides from the same functions what to inline. That, and kernels without
reference counts, took a third off what compiling all of them costs, and half off the longest.

Most of the rest is Numba's front end (types, and building LLVM's code, in Python): some 50 ms for a small function,
whatever it does. It comes again for each kind of argument, so a function that gets both read-only and writable arrays
costs twice. Fewer and longer functions compile faster than many short ones. What an operator makes of operands of these
types is asked thousands of times, and found by trying one signature after another: it is remembered, which takes
another sixth to a quarter off.
"""

from __future__ import annotations

from typing import Any

from numba.core import types
from numba.core.codegen import JITCodeLibrary
from numba.core.compiler import Compiler, CompilerBase
from numba.core.compiler_machinery import PassManager, register_pass
from numba.core.typed_passes import (
    IRLegalization,
    NativeLowering,
    NoPythonBackend,
    NopythonTypeInference,
    PreLowerStripPhis,
)
from numba.core.untyped_passes import FixupArgs, IRProcessing, ReconstructSSA, TranslateByteCode


class _Unoptimised(JITCodeLibrary):
    """Code to be linked into that of kernels."""

    def _optimize_functions(self, ll_module: Any) -> None:
        ll_module.data_layout = self._codegen._data_layout

    def _optimize_final_module(self) -> None:
        pass

    def _finalize_final_module(self) -> None:
        self._finalize_dynamic_globals()
        self._finalized = True


@register_pass(mutates_CFG=True, analysis_only=False)
class _LoweringForCallers(NativeLowering):
    _name = "riacho_lowering_for_callers"

    def run_pass(self, state: Any) -> bool:
        state.library = _Unoptimised(state.targetctx.codegen(), state.func_id.func_qualname)
        state.flags.no_compile = True
        super().run_pass(state)
        # What stands for each signature where Numba wants a function of C. Called from Python it gets a tuple of the
        # arguments, and asks for a string.
        function = object().__format__
        lowered = state["cr"]
        state.targetctx.insert_user_function(function, lowered.fndesc, [state.library])
        state["cr"] = lowered._replace(cfunc=function)
        return True


_PASSES = (
    TranslateByteCode,
    FixupArgs,
    IRProcessing,
    ReconstructSSA,
    NopythonTypeInference,
    PreLowerStripPhis,
    IRLegalization,
    _LoweringForCallers,
    NoPythonBackend,
)
"""Numba's own, without those for what these functions have not got: closures, array expressions, constant tuples."""


_PLAIN = (types.Number, types.NumberClass, types.Boolean, types.Literal, types.Array, types.BaseTuple)
"""Types of arguments on which alone it depends what an operator makes of them."""

_signatures: dict[Any, Any] = {}
"""What Numba's operators and functions make of arguments of plain types."""

_functions: Any = types.Function
_find_signature = _functions.get_call_type


def _remembered_signature(function: Any, context: Any, arguments: Any, keywords: Any) -> Any:
    asked = function, tuple(arguments)
    if keywords or not all(isinstance(each, _PLAIN) for each in arguments):
        return _find_signature(function, context, arguments, keywords)
    known = _signatures.get(asked)
    if known is None:
        known = _signatures[asked] = _find_signature(function, context, arguments, keywords)
    return known


class KernelCompiler(Compiler):
    """Numba's own pipeline, for a kernel: while it compiles one, with all that it calls, signatures are remembered."""

    def compile_extra(self, func: Any) -> Any:
        _functions.get_call_type = _remembered_signature
        try:
            return super().compile_extra(func)
        finally:
            _functions.get_call_type = _find_signature


class CallersCompiler(CompilerBase):
    """The pipeline of an `inner` or `inlined` function."""

    def define_pipelines(self) -> list[Any]:
        passes = PassManager("for callers")
        for each in _PASSES:
            passes.add_pass(each, each.__name__)
        passes.finalize()
        return [passes]
