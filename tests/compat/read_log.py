#!/usr/bin/python3
"""Decodes the segments of a data directory with python3-kafka (Debian) and prints one JSON object per record.

Usage: read_log.py DATA_DIRECTORY TOPIC...
A second implementation of the record format as a judge of ours: CRCs are checked, keys, values and header values are printed as base64.
"""
import base64
import glob
import json
import os
import sys

from kafka.record import MemoryRecords


def text(data):
    return None if data is None else base64.b64encode(bytes(data)).decode()


def partitions(data, topic):
    for path in glob.glob(os.path.join(glob.escape(data), glob.escape(topic) + "-*")):
        # "a-*" also finds "a-b-0", which is another topic's.
        partition = os.path.basename(path)[len(topic) + 1:]
        if partition.isdigit():
            yield int(partition), path


def main():
    data, topics = sys.argv[1], sys.argv[2:]
    out = sys.stdout
    for topic in topics:
        for partition, path in sorted(partitions(data, topic)):
            for segment in sorted(glob.glob(os.path.join(glob.escape(path), "*.log"))):
                with open(segment, "rb") as file:
                    content = file.read()
                records = MemoryRecords(content)
                size = 0
                while records.has_next():
                    batch = records.next_batch()
                    if not batch.validate_crc():
                        sys.exit("%s: wrong CRC at offset %d" % (segment, batch.base_offset))
                    for record in batch:
                        json.dump({
                            "topic": topic,
                            "partition": partition,
                            "offset": record.offset,
                            "timestamp": record.timestamp,
                            "timestampType": record.timestamp_type,
                            "key": text(record.key),
                            "value": text(record.value),
                            "headers": [[key, text(value)] for key, value in record.headers],
                            "codec": batch.compression_type,
                        }, out)
                        out.write("\n")
                size = records.valid_bytes()
                if size != len(content):
                    sys.exit("%s: %d of %d bytes are batches" % (segment, size, len(content)))


if __name__ == "__main__":
    main()
