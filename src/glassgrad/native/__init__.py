"""From a graph to machine code.

``target`` knows the CPU, ``builder`` writes LLVM's intermediate representation, ``jit`` turns its text into
machine code and ``cache`` keeps that on disk. Nothing here is imported before something is first compiled.
"""
