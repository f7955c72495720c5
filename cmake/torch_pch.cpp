// Compiles nothing: it exists so that cmake/torch_pch.h has a target to be precompiled in.
