// Streams two sets of real flights into two topics as NDJSON, reads them back in three ways, and compares what came out with what went in.
//
//   node flights.mjs [--url http://127.0.0.1:8082] [--data <folder with flights-200k.json and flights-20k.json>]
//
// The topics "flights" and "flights-by-origin" are deleted first if they exist. Exit code 1 when anything differs.

import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { elements, member } from './json-text.mjs';

const { values: options } = parseArgs({
  options: {
    url: { type: 'string', default: 'http://127.0.0.1:8082' },
    data: { type: 'string', default: new URL('./node_modules/vega-datasets/data', import.meta.url).pathname },
  },
});

// 200,000 rows without a key, spread over the partitions; numbers such as 0.0 must come back as 0.0.
await flow('flights', 'flights-200k.json', () => undefined);
// 20,000 rows keyed by airport: all flights of one airport stay in one partition, in order.
await flow('flights-by-origin', 'flights-20k.json', row => member(row, 'origin'));
console.log(process.exitCode ? 'FAILED' : 'OK: everything that went in came out, byte for byte and in order');

async function flow(topic, file, keyOf) {
  const rows = [...elements(await readFile(`${options.data}/${file}`, 'utf8'))].map(value => ({ key: keyOf(value), value }));
  await fetch(`${options.url}/topics/${topic}`, { method: 'DELETE' });
  await send('PUT', `/topics/${topic}`, { 'content-type': 'application/json' }, '{"partitions":3}');

  const started = performance.now();
  const acknowledged = await produce(topic, rows);
  report(topic, 'written as NDJSON', started, rows, acknowledged === rows.length ? [] : [`${acknowledged} of ${rows.length} were acknowledged`]);

  for (const [way, read] of [['read as SSE', readEvents], ['read as NDJSON', readLines], ['read as pages', readPages]]) {
    const started = performance.now();
    const records = [];
    for await (const record of read(topic, rows.length)) records.push(record);
    report(topic, way, started, rows, differences(rows, records));
  }
}

/** One request; the server answers each part of the stream while the rest is still being sent. Returns how many records were acknowledged. */
async function produce(topic, rows) {
  const line = row => (row.key === undefined ? `{"value":${row.value}}\n` : `{"key":${row.key},"value":${row.value}}\n`);
  const body = new ReadableStream({
    start() {
      this.next = 0;
    },
    pull(stream) {
      if (this.next === rows.length) return stream.close();
      const block = rows.slice(this.next, this.next + 1000);
      this.next += block.length;
      stream.enqueue(new TextEncoder().encode(block.map(line).join('')));
    },
  });
  const answer = await send('POST', `/topics/${topic}/records`, { 'content-type': 'application/x-ndjson' }, body);
  let acknowledged = 0;
  for await (const receipt of lines(answer.body)) {
    if (member(receipt, 'error') !== undefined) throw new Error(`refused: ${receipt}`);
    acknowledged += 1;
  }
  return acknowledged;
}

async function* readEvents(topic, count) {
  const leave = new AbortController();
  const answer = await send('GET', `/topics/${topic}/records?from=earliest`, { accept: 'text/event-stream' }, undefined, leave.signal);
  let data = [];
  for await (const line of lines(answer.body, true)) {
    if (line.startsWith('data:')) data.push(line.slice(line[5] === ' ' ? 6 : 5));
    if (line !== '' || data.length === 0) continue;
    yield data.join('\n');
    data = [];
    if (--count === 0) break; // the stream itself goes on for ever
  }
  leave.abort();
}

async function* readLines(topic) {
  // Followed, so that it is one answer without end; until=latest ends it where the log ended when it began.
  const answer = await send('GET', `/topics/${topic}/records?from=earliest&live=true&until=latest`, { accept: 'application/x-ndjson' });
  yield* lines(answer.body);
}

async function* readPages(topic) {
  for (let query = 'from=earliest'; ; ) {
    const answer = await send('GET', `/topics/${topic}/records?${query}&max_records=10000&max_bytes=8388608`, { accept: 'application/json' });
    const page = await answer.text();
    yield* elements(member(page, 'records'));
    query = `cursor=${encodeURIComponent(JSON.parse(member(page, 'cursor')))}`;
    if (member(page, 'end') === 'true') return;
  }
}

/** What is wrong with the records, in words; empty when nothing is. */
function differences(rows, records) {
  const found = [];
  if (records.length !== rows.length) found.push(`${records.length} records instead of ${rows.length}`);

  const out = records.map(r => ({ key: member(r, 'key'), value: member(r, 'value'), partition: member(r, 'partition'), offset: Number(member(r, 'offset')) }));
  const next = new Map();
  for (const { partition, offset } of out) {
    if (offset !== (next.get(partition) ?? 0)) found.push(`partition ${partition}: offset ${offset} instead of ${next.get(partition) ?? 0}`);
    next.set(partition, offset + 1);
  }

  if (contentHash(rows) !== contentHash(out)) found.push(`content ${contentHash(out)} instead of ${contentHash(rows)}`);
  for (const key of new Set(rows.map(r => r.key))) {
    if (key !== undefined && orderHash(rows, key) !== orderHash(out, key)) found.push(`the records of key ${key} are in another order`);
  }
  return found.slice(0, 10);
}

/** The same for the same records in any order: without a key, only the order within a partition is defined. */
function contentHash(rows) {
  const sorted = rows.map(r => `${r.key === 'null' ? '' : r.key ?? ''}\t${r.value}`).sort();
  return createHash('sha256').update(sorted.join('\n')).digest('hex');
}

function orderHash(rows, key) {
  return createHash('sha256').update(rows.filter(r => r.key === key).map(r => r.value).join('\n')).digest('hex');
}

function report(topic, what, started, rows, wrong) {
  const seconds = (performance.now() - started) / 1000;
  console.log(`${topic.padEnd(18)} ${what.padEnd(18)} ${rows.length} records  ${Math.round(rows.length / seconds).toLocaleString('en')}/s  `
    + (wrong.length === 0 ? `sha256 ${contentHash(rows).slice(0, 16)}  ok` : `WRONG: ${wrong.join('; ')}`));
  if (wrong.length > 0) process.exitCode = 1;
}

async function send(method, path, headers, body, signal) {
  const answer = await fetch(options.url + path, { method, headers, body, signal, duplex: body instanceof ReadableStream ? 'half' : undefined });
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
  return answer;
}

async function* lines(stream, keepEmpty = false) {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of stream) {
    const parts = (rest + decoder.decode(chunk, { stream: true })).split('\n');
    rest = parts.pop();
    for (const part of parts) if (keepEmpty || part !== '') yield part;
  }
  if (rest !== '') yield rest;
}
