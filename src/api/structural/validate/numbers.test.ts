import assert from 'node:assert/strict'
import { it } from 'node:test'
import { numberFindings } from './numbers.ts'

it('finds no value good beside a limit that is not of the type of the field', () => {
  const beyond = numberFindings({ type: 'integer', format: 'int32', maximum: 4294967295 }, 5, 'spec.asn')
  assert.equal(beyond.isValid, false)
  assert.match(JSON.stringify(beyond), /Maximum boundary value must be of type integer with format int32 in spec\.asn/)
  assert.equal(numberFindings({ type: 'integer', format: 'uint32', maximum: 4294967295 }, 5, 'spec.asn').isValid, true)
  assert.equal(numberFindings({ type: 'integer', format: 'int32', minimum: 1 }, 5, 'spec.asn').isValid, true)
})
