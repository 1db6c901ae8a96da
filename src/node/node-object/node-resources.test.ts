import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseThresholds } from '../eviction/thresholds.ts'
import type { MachineFacts } from './facts.ts'
import { nodeResources, parseReserved } from './node-resources.ts'

const machine: MachineFacts = {
  cpus: 4,
  memoryBytes: 8 * 2 ** 30,
  storageBytes: 100 * 2 ** 30,
  hostname: 'n',
  hugePages: [
    { name: '1Gi', pageBytes: 2 ** 30, bytes: 0 },
    { name: '2Mi', pageBytes: 2 ** 21, bytes: 2 ** 30 },
  ],
  info: {} as MachineFacts['info'],
}

test('pods may have what is neither reserved, nor huge, nor kept free', () => {
  const { capacity, allocatable } = nodeResources({
    machine,
    maxPods: 110,
    reserved: parseReserved('cpu=500m,memory=1Gi', 'memory=512Mi,ephemeral-storage=10Gi'),
    thresholds: parseThresholds('memory.available<512Mi,nodefs.available<10%'),
    devices: { capacity: { 'example.com/gpu': 2 }, allocatable: { 'example.com/gpu': 1 } },
  })
  assert.deepEqual(capacity, {
    cpu: '4',
    'ephemeral-storage': '104857600Ki',
    'hugepages-1Gi': '0',
    'hugepages-2Mi': '1Gi',
    memory: '8388608Ki',
    pods: '110',
    'example.com/gpu': '2',
  })
  assert.deepEqual(allocatable, {
    ...capacity,
    cpu: '3500m',
    'ephemeral-storage': String(80 * 2 ** 30),
    memory: `${5 * 2 ** 20}Ki`,
    'example.com/gpu': '1',
  })
})

test('a reservation that says nothing is refused', () => {
  for (const text of ['cpu', 'disk=1', 'cpu=fast', 'memory=-1']) assert.throws(() => parseReserved(text), /not a reservation/)
})
