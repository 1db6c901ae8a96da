import assert from 'node:assert/strict'
import { test } from 'node:test'
import { deviceSelectorProblem } from './device.ts'

test('selectors of devices are checked against what drivers say of devices', () => {
  for (const source of [
    'true',
    'device.driver == "dra.example.com"',
    'device.attributes["dra.example.com"].model == "a" && device.attributes["x"].?ok.orValue(false)',
    'device.capacity["dra.example.com"].memory.isGreaterThan(quantity("1Gi"))',
    'cel.bind(dra, device.attributes["dra.example.com"], dra.oneBool && dra.anotherBool)',
    'device.attributes["dra.example.com"].flag',
    'device.attributes["dra.example.com"].driverVersion.isGreaterThan(semver("1.0.0"))',
    'device.allowMultipleAllocations',
  ])
    assert.equal(deviceSelectorProblem(source), undefined, source)
  const problems = [
    ['device.name == "x"', /undefined field 'name'/],
    ['device.driver', /^must evaluate to bool or the unknown type, not string$/],
    ['object == 1', /undeclared reference to 'object'/],
    ['', /mismatched input '<EOF>'/],
  ] as const
  for (const [source, text] of problems) assert.match(deviceSelectorProblem(source)?.text ?? '', text)
  const costly = 'device.attributes.all(a, device.attributes.all(b, device.attributes.all(c, device.attributes.all(d, a != b && c != d))))'
  assert.deepEqual(deviceSelectorProblem(costly), { isTooCostly: true, text: 'too complex, exceeds cost limit' })
})
