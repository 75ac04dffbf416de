#!/usr/bin/python3
"""One member of a consumer group as its users write it, to be killed: prints what it did as JSON lines, before and after every call.

Usage: group_member.py URL_FILE GROUP TOPIC MEMBER poll|stream|v2|v2auto
URL_FILE holds the server's address and is read again whenever a call fails: a server that was started again has another one.
Lines: {"begin":ns,"acked":[[topic,partition,next]]}, then {"end":ns,"outcome":"Ok|Fail|Info","generation":n,"owned":[[topic,partition]],"records":[[topic,partition,offset,id]]}.
A stream writes both lines at once for what it read since the last ones. Times are of CLOCK_MONOTONIC.
"""
import http.client
import json
import os
import re
import sys
import time
import urllib.parse

URL_FILE, GROUP, TOPIC, MEMBER, MODE = sys.argv[1:]
V2 = "application/vnd.kafka.v2+json"
V2_JSON = "application/vnd.kafka.json.v2+json"
# Below the session timeout of 2 s: a member that lives stays one.
WAIT_MS, SESSION_MS = 400, 2000


def say(**line):
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


def begin(acked=()):
    say(begin=time.monotonic_ns(), acked=list(acked))


def end(outcome, generation=-1, owned=(), records=()):
    say(end=time.monotonic_ns(), outcome=outcome, generation=generation, owned=list(owned), records=list(records))


class Connection:
    """Keeps one connection; after any failure the next call makes a new one to the server's present address."""

    def __init__(self):
        self._http = None

    def open(self, timeout):
        if self._http is None:
            with open(URL_FILE) as file:
                address = urllib.parse.urlparse(file.read().strip())
            self._http = http.client.HTTPConnection(address.hostname, address.port, timeout=timeout)
        return self._http

    def close(self):
        if self._http is not None:
            self._http.close()
            self._http = None

    def call(self, method, path, body=None, content="application/json", accept=None):
        """Status and body; (0, None) without an answer."""
        headers = {"Content-Type": content} if body is not None else {}
        if accept is not None:
            headers["Accept"] = accept
        try:
            connection = self.open(60)
            connection.request(method, path, None if body is None else json.dumps(body), headers)
            answer = connection.getresponse()
            text = answer.read()
            return answer.status, json.loads(text) if text else None
        except (OSError, http.client.HTTPException, ValueError) as e:
            if isinstance(e, TimeoutError):
                sys.stderr.write("%s timeout %s %s\n" % (time.time(), method, path)); sys.stderr.flush()
            self.close()
            return 0, None


def positions(cursor):
    """[[topic, partition, next]] of 'g3;@k3f9a1,orders/0:45,orders/1:7'; items with @ carry a topic's incarnation."""
    _, _, items = cursor.partition(";")
    found = []
    for item in filter(None, items.split(",")):
        if not item.startswith("@"):
            match = re.fullmatch(r"(.+)/(\d+):(\d+)", item)
            found.append([match[1], int(match[2]), int(match[3])])
    return found


def record_of(record):
    return [record["topic"], record["partition"], record["offset"], record["value"]["id"]]


def owned_of(assignment):
    return [[topic, partition] for topic, partitions in assignment.items() for partition in partitions]


def outcome_of(status):
    """4xx: the server said no and nothing happened. Anything else but success is open."""
    return "Ok" if 200 <= status < 300 else "Fail" if 400 <= status < 500 else "Info"


def poll():
    connection, cursor = Connection(), None
    while True:
        body = {"topics": [TOPIC], "member": MEMBER, "timeout": WAIT_MS, "session_timeout": SESSION_MS, "max_records": 40}
        if cursor is not None:
            body["ack"] = cursor
        begin(positions(cursor) if cursor is not None else [])
        status, answer = connection.call("POST", f"/groups/{GROUP}/poll", body)
        if status == 200:
            end("Ok", answer["generation"], owned_of(answer["assignment"]), map(record_of, answer["records"]))
            cursor = answer["cursor"]
            continue
        end(outcome_of(status))
        if 400 <= status < 500:
            # Somebody else has the partitions now; what was not acknowledged is theirs.
            cursor = None
        time.sleep(0.02)


def stream():
    control, last = Connection(), None
    while True:
        connection, event = Connection(), {}
        generation, owned, records, asked = -1, [], [], time.monotonic_ns()
        if last is not None:
            begin(positions(last))
        try:
            http_ = connection.open(60)
            headers = {"Accept": "text/event-stream"}
            if last is not None:
                headers["Last-Event-ID"] = last
            http_.request("GET", f"/groups/{GROUP}/stream?topics={TOPIC}&member={MEMBER}&commit=ack&window=40&rejoin_grace=1000&session_timeout={SESSION_MS}", None, headers)
            answer = http_.getresponse()
            if last is not None:
                # Whether it was taken, or the partitions had gone to somebody else, the answer does not say.
                end("Fail" if outcome_of(answer.status) == "Fail" else "Info")
            if answer.status != 200:
                last = None
                raise http.client.HTTPException(answer.status)
            last = None
            for line in answer:
                line = line.decode().rstrip("\r\n")
                # A heartbeat: nothing more is there just now, so what was worked on is acknowledged even if it is little.
                idle = line.startswith(":")
                if line and not idle:
                    name, _, value = line.partition(":")
                    event[name] = value.lstrip(" ")
                    continue
                kind, data, event_id = event.get("event", "message"), event.get("data"), event.get("id")
                event = {}
                if kind == "assignment":
                    body = json.loads(data)
                    generation, owned = body["generation"], owned_of(body["assignment"])
                elif kind == "message" and data is not None:
                    say(begin=asked, acked=[])
                    end("Ok", generation, owned, [record_of(json.loads(data))])
                    records.append(event_id)
                if len(records) >= 10 or (idle and records):
                    begin(positions(records[-1]))
                    status, _ = control.call("POST", f"/groups/{GROUP}/ack", {"member": MEMBER, "cursor": records[-1]})
                    end(outcome_of(status))
                    # Without an answer (the connection was one to a server that is gone) they are acknowledged with the next ones, or at the next heartbeat.
                    if 200 <= status < 500:
                        records = []
        except (OSError, http.client.HTTPException, ValueError):
            if last is not None:
                end("Info")
                last = None
        # What came after the last acknowledgement was worked on too: the next connection says so.
        last = records[-1] if records else None
        connection.close()
        time.sleep(0.02)


def v2():
    connection = Connection()
    instance = f"/consumers/{GROUP}/instances/{MEMBER}"
    ready = False
    while True:
        if not ready:
            # What an earlier life of this name was handed and did not commit comes again with a new instance only.
            status, _ = connection.call("DELETE", instance, content=V2, accept=V2)
            if status in (204, 404):
                status, _ = connection.call(
                    "POST", f"/consumers/{GROUP}",
                    {"name": MEMBER, "format": "json", "auto.offset.reset": "earliest", "auto.commit.enable": "false"}, V2, V2)
                ready = status == 200 and connection.call("POST", instance + "/subscription", {"topics": [TOPIC]}, V2, V2)[0] == 204
            if not ready:
                time.sleep(0.02)
                continue
        begin()
        status, answer = connection.call("GET", f"{instance}/records?timeout={WAIT_MS}&max_bytes=4000", accept=V2_JSON)
        if status != 200:
            end(outcome_of(status))
            ready = False
            continue
        end("Ok", records=map(record_of, answer))
        following = {(r["topic"], r["partition"]): r["offset"] + 1 for r in answer}
        if not following:
            continue
        begin([[topic, partition, offset] for (topic, partition), offset in following.items()])
        status, _ = connection.call(
            "POST", instance + "/offsets",
            {"offsets": [{"topic": topic, "partition": partition, "offset": offset - 1} for (topic, partition), offset in following.items()]}, V2, V2)
        end(outcome_of(status))
        ready = 200 <= status < 300


def v2auto():
    """Commits by polling on. Every life has an instance of its own: the next poll of the old one would commit what the killed life was handed, whether it worked on it or not."""
    connection, name = Connection(), f"{MEMBER}-{os.getpid()}"
    instance = f"/consumers/{GROUP}/instances/{name}"
    ready, done, asked = False, {}, {}
    while True:
        if not ready:
            status, _ = connection.call(
                "POST", f"/consumers/{GROUP}",
                {"name": name, "format": "json", "auto.offset.reset": "earliest", "auto.commit.enable": "true"}, V2, V2)
            # 409: made by a call that was not answered.
            ready = status in (200, 409) and connection.call("POST", instance + "/subscription", {"topics": [TOPIC]}, V2, V2)[0] == 204
            if not ready:
                time.sleep(0.02)
                continue
        if asked != done:
            # A poll does not say whether it could commit.
            begin([[topic, partition, offset] for (topic, partition), offset in done.items()])
            end("Info")
            asked = dict(done)
        begin()
        status, answer = connection.call("GET", f"{instance}/records?timeout={WAIT_MS}&max_bytes=4000", accept=V2_JSON)
        if status != 200:
            # Without an answer the server is gone, and with it what it knew of this poll.
            end(outcome_of(status))
            ready = status != 404
            time.sleep(0.02)
            continue
        end("Ok", records=map(record_of, answer))
        done.update({(r["topic"], r["partition"]): r["offset"] + 1 for r in answer})


{"poll": poll, "stream": stream, "v2": v2, "v2auto": v2auto}[MODE]()
