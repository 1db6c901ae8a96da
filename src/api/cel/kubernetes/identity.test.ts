import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type IdentityExpression, IdentityProblem, type IdentityVariable, compileIdentity } from './identity.ts'

function compiled(source: string, variable: IdentityVariable = 'claims'): IdentityExpression {
  const expression = compileIdentity(source, variable, 'anything')
  assert.ok(!(expression instanceof IdentityProblem), source)
  return expression
}
const value = (source: string, claims: Readonly<Record<string, unknown>>): unknown => compiled(source).evaluate(claims)

test('claims come to texts, lists of texts, truths and nothing; all else is unfit', () => {
  const claims = { sub: 'a', list: ['x', 'y'], yes: true, none: null, n: 1, mixed: ['x', 1], map: {} }
  assert.equal(value('claims.sub', claims), 'a')
  assert.deepEqual(value('claims.list', claims), ['x', 'y'])
  assert.equal(value('claims.yes', claims), true)
  assert.equal(value('claims.none', claims), null)
  for (const source of ['claims.n', 'claims.mixed', 'claims.map', "b'x'"])
    assert.deepEqual(value(source, claims), { unfit: 'expression must return a string or a list of strings' })
  assert.deepEqual(value('claims.other', claims), { unfit: 'no such key: other' })
})

test('claims that no expression can spell are there under their escaped names', () => {
  const claims = { 'example.com/role': { 'a-b': 'deep' }, plain__name: 'x' }
  assert.equal(value('claims.example__dot__com__slash__role.a__dash__b', claims), 'deep')
  assert.equal(value("claims['example.com/role']['a-b']", claims), 'deep')
  assert.equal(value('has(claims.constructor)', claims), false)
})

test('it is known which fields an expression reads', () => {
  assert.ok(compiled('has(claims.email) ? claims.sub : ""').mentions('email'))
  assert.ok(compiled('[1].exists(i, claims.?email.orValue("") == "x")').mentions('email'))
  assert.ok(!compiled('claims.sub.email').mentions('email'))
  assert.ok(!compiled('"claims.email"').mentions('email'))
})

test('each variable is there for its own expressions, with its fields', () => {
  const text = (source: string, variable: IdentityVariable, wanted: 'bool' | 'anything' = 'anything'): string => {
    const problem = compileIdentity(source, variable, wanted)
    return problem instanceof IdentityProblem ? problem.text : ''
  }
  assert.match(text('user.username', 'claims'), /undeclared reference to 'user'/)
  assert.match(text('user.name', 'user'), /undefined field 'name'/)
  assert.match(text('request.resourceAttributes.verbs', 'request'), /undefined field 'verbs'/)
  assert.equal(text('request.groups', 'request', 'bool'), 'must evaluate to bool')
  assert.equal(
    text("'g' in request.groups && request.resourceAttributes.labelSelector.requirements.exists(r, r.key == 'a')", 'request'),
    '',
  )
})

test('an expression that costs too much comes to nothing', () => {
  const list = Array.from({ length: 2000 }, () => 'x')
  const answer = value('claims.l.filter(a, claims.l.all(b, claims.l.all(c, a == c)))', { l: list })
  assert.deepEqual(answer, { unfit: 'operation cancelled: actual cost limit exceeded' })
})
