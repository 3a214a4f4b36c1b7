#!/usr/bin/env bash
# Cargo's RUSTC_WRAPPER for the fuzz targets: libFuzzer's counters go into nightbill and the targets alone. Everything
# that they depend on is compiled with the usual flags, so it is what target/release has already; cargo-fuzz's RUSTFLAGS
# would build all of it again.
rustc=$1
shift
case " $* " in
*" --crate-name nightbill "* | *" --crate-name fuzz_"*)
    set -- "$@" --cfg fuzzing -Copt-level=1 -Cdebug-assertions=on \
        -Cpasses=sancov-module \
        -Cllvm-args=-sanitizer-coverage-level=4 \
        -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
        -Cllvm-args=-sanitizer-coverage-pc-table \
        -Cllvm-args=-sanitizer-coverage-trace-compares \
        -Clink-arg=-Wl,-z,nostart-stop-gc
    ;;
esac
exec "$rustc" "$@"
