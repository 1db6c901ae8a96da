import assert from 'node:assert/strict'
import { test } from 'node:test'
import { conformanceCases, runCase } from './conformance.fixture.ts'

/** Extensions that the API's expressions do not have. */
const ABSENT = /^(?:math_ext|encoders_ext|block_ext|network_ext|fields\/quoted_map_fields)/
/** Where Kubernetes is not as the specification is: it has an older `format`, and the last of equal keys in a literal counts. */
const OTHERWISE: ReadonlySet<string> = new Set([
  'fields/qualified_identifier_resolution map_value_repeat_key',
  'fields/qualified_identifier_resolution map_value_repeat_key_heterogeneous',
  'string_ext/format scientific notation formatting clause',
  'string_ext/format default precision for scientific notation',
  'string_ext/format NaN support for scientific notation',
  'string_ext/format positive infinity support for scientific notation',
  'string_ext/format negative infinity support for scientific notation',
  'string_ext/format NaN support for decimal',
  'string_ext/format positive infinity support for decimal',
  'string_ext/format negative infinity support for decimal',
  'string_ext/format positive infinity support for fixed-point',
  'string_ext/format negative infinity support for fixed-point',
  'string_ext/format list support for string',
  'string_ext/format map support for string',
  'string_ext/format map support (all key types)',
  'string_ext/format dyntype support for scientific notation',
  'string_ext/format dyntype NaN/infinity support',
  'string_ext/format dyntype support for lists',
  'string_ext/format dyntype support for maps',
  'string_ext/format scientific notation formatting clause in a string variable',
  'string_ext/value_errors indexof_out_of_range',
  'string_ext/value_errors lastindexof_out_of_range',
])

test('expressions mean what the specification of the language says', () => {
  const failures: string[] = []
  let passed = 0
  for (const one of conformanceCases()) {
    const title = `${one.suite} ${one.name}`
    if (ABSENT.test(one.suite)) continue
    const problem = runCase(one)
    if (problem === 'unsupported') continue
    if (problem === undefined) passed++
    if ((problem === undefined) === OTHERWISE.has(title)) failures.push(`${title}: ${one.expr}: ${problem ?? 'is as specified now'}`)
  }
  assert.deepEqual(failures, [])
  assert.ok(passed > 1200, `only ${passed} cases were run`)
})
