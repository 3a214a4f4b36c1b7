"""Makes seeds/column_chunk and seeds/page_header of the files in tests/scan/foreign, which are the seeds of the scan.

Needs pyarrow (tests/requirements.txt). Run it in this directory when the form of those targets' input changes.
"""

import pathlib
import shutil

import pyarrow.parquet as pq

ROLES = ["ts", "account_id", "sdk_app_id", "meter", "seconds", "pixels"]
CODECS = ["UNCOMPRESSED", "SNAPPY", "GZIP", "BROTLI", "LZ4", "ZSTD"]
LARGEST = 700


def kind(column):
    """As in src/inputs/parquet/fuzzing.rs: the schema whose column of this name is of this physical type."""
    optional = column.max_definition_level > 0
    narrow = column.physical_type in ("INT96", "INT32") and column.name != "pixels"
    return 2 * narrow + optional


def main():
    seeds = pathlib.Path("seeds")
    for target in ("column_chunk", "page_header"):
        shutil.rmtree(seeds / target, ignore_errors=True)
        (seeds / target).mkdir(parents=True)
    seen = set()
    for path in sorted(pathlib.Path("../scan/foreign").glob("[!w]*.parquet")):
        file = pq.ParquetFile(path)
        data = path.read_bytes()
        group = file.metadata.row_group(0)
        for position in range(group.num_columns):
            chunk, column = group.column(position), file.schema.column(position)
            codec = chunk.compression.replace("LZ4_RAW", "LZ4")
            if column.path not in ROLES or codec not in CODECS or chunk.total_compressed_size > LARGEST:
                continue
            form = (column.name, column.physical_type, codec, *chunk.encodings, column.max_definition_level)
            if form in seen:
                continue
            seen.add(form)
            start = chunk.dictionary_page_offset or chunk.data_page_offset
            body = data[start : start + chunk.total_compressed_size]
            head = bytes([kind(column), ROLES.index(column.name), CODECS.index(codec)])
            head += group.num_rows.to_bytes(2, "little")
            name = f"{path.stem}.{column.name}"
            (seeds / "column_chunk" / name).write_bytes(head + body)
            if len(seen) % 5 == 0:
                (seeds / "page_header" / name).write_bytes(body[:96])


main()
