// The whole flow of the npm client kafka-rest (REST Proxy v1): metadata, produce, consume, commit, shutdown.
// node flow.js <url> <folder with node_modules> <topic>
'use strict';
const [url, folder, topic] = process.argv.slice(2);
const KafkaRest = require(require('path').join(folder, 'node_modules', 'kafka-rest'));
const kafka = new KafkaRest({ url });

const call = f => new Promise((resolve, reject) => f((error, result) => error ? reject(error) : resolve(result)));

async function main() {
  const brokers = await call(done => kafka.brokers.list(done));
  const topics = await call(done => kafka.topics.list(done));
  const partitions = await call(done => kafka.topic(topic).partitions.list(done));
  console.log('brokers', brokers.length, 'topic', topics.some(t => t.name === topic), 'partitions', partitions.length);

  const produced = await call(done => kafka.topic(topic).produce('one', { key: 'k', value: 'two' }, { partition: 0, value: 'three' }, done));
  console.log('produced', produced.offsets.length);
  await call(done => kafka.topic(topic).partition(0).produce('four', done));

  const instance = await call(done => kafka.consumer('npm').join({ format: 'binary', 'auto.offset.reset': 'smallest' }, done));
  const stream = instance.subscribe(topic);
  const seen = [];
  await new Promise((resolve, reject) => {
    stream.on('error', reject);
    stream.on('data', messages => {
      for (const message of messages) seen.push(message.value.toString('utf8'));
      if (seen.length >= 4) resolve();
    });
  });
  console.log('consumed', seen.sort().join(' '));

  await call(done => instance.commit(done));
  await call(done => instance.shutdown(done));
  console.log('shut down');
}

main().then(() => process.exit(0), error => { console.error(error); process.exit(1); });
