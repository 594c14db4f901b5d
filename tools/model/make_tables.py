#!/usr/bin/python3
"""Makes the model's tables from the corpus, or takes them from the cache when neither corpus nor trainer changed.

usage: make_tables.py --train PROGRAM --source DIR --cache DIR --out TABLES --asm FILE --depfile FILE [--no-cache]

Training takes about a minute, and its result is a function of its inputs: build folders share it. FILE gets the assembler source that puts TABLES
into a program.
"""
import argparse
import glob
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
VARIANTS = 1
ASM = """/* tables {digest} */
\t.section .rodata
\t.global th_tables_builtin
\t.global th_tables_builtin_end
\t.balign 64
th_tables_builtin:
\t.incbin "{path}"
th_tables_builtin_end:
\t.byte 0
\t.section .note.GNU-stack, "", %progbits
"""


# Parts of src/codec that training does not come to.
OTHERS = ("bulk", "bulk_head", "cbor", "cbor_json", "check", "envelope", "flate", "form", "history", "item", "json_cbor", "known",
          "model", "range", "reference", "target")


def matters(path):
    return os.path.basename(os.path.dirname(path)) != "codec" or os.path.splitext(os.path.basename(path))[0] not in OTHERS


def inputs(source):
    found = []
    for pattern in ("corpus/recorded/*.jsonl", "corpus/shapes/*.jsonl", "corpus/chat/*.txt", "tools/model/*.[ch]", "tools/model/*.py", "tools/access_token.py", "tools/event_hash.py",
                    "src/codec/*.[ch]", "src/exchange/date.c", "src/exchange/fields.c", "src/exchange/percent.c", "src/exchange/policy.c"):
        found += glob.glob(os.path.join(source, pattern))
    return sorted(filter(matters, found))


def digest_of(paths, source):
    h = hashlib.sha256()
    for path in paths:
        with open(path, "rb") as f:
            h.update(os.path.relpath(path, source).encode() + b"\0" + hashlib.sha256(f.read()).digest())
    return h.hexdigest()


def train(program, source, out):
    with tempfile.TemporaryDirectory() as folder:
        records = os.path.join(folder, "records")
        subprocess.run([sys.executable, os.path.join(HERE, "records.py"), "--vary", str(VARIANTS), "--out", records, os.path.join(source, "corpus")],
                       check=True)
        subprocess.run([program, records, out], check=True, stderr=subprocess.DEVNULL if not os.environ.get("VERBOSE") else None)


def main():
    ap = argparse.ArgumentParser()
    for name in ("train", "source", "cache", "out", "asm", "depfile"):
        ap.add_argument("--" + name, required=True)
    ap.add_argument("--no-cache", action="store_true")
    args = ap.parse_args()
    paths = inputs(args.source)
    digest = digest_of(paths, args.source)
    kept = os.path.join(args.cache, digest[:32])
    if args.no_cache or not os.path.exists(kept):
        train(args.train, args.source, args.out)
        if not args.no_cache:
            os.makedirs(args.cache, exist_ok=True)
            shutil.copyfile(args.out, kept + ".new%d" % os.getpid())
            os.replace(kept + ".new%d" % os.getpid(), kept)
            others = sorted((p for p in glob.glob(os.path.join(args.cache, "*")) if p != kept), key=os.path.getmtime)
            for path in others[:-3]:
                os.unlink(path)
    else:
        shutil.copyfile(kept, args.out)
    with open(args.asm, "w", encoding="utf-8") as f:
        f.write(ASM.format(digest=digest, path=os.path.abspath(args.out)))
    with open(args.depfile, "w", encoding="utf-8") as f:
        f.write("%s: %s\n" % (args.out, " ".join(p.replace(" ", "\\ ") for p in paths)))


if __name__ == "__main__":
    main()
