import assert from 'node:assert/strict'
import { test } from 'node:test'
import { RE2JS } from 're2js'
import { type Asked, accepts, clientHash, compileRegex, decide, encodeProgram, parseMatch, spreadOf } from './index.ts'

const asked: Asked = {
  scheme: 'https',
  method: 'GET',
  host: 'shop.example',
  path: '/api/v1',
  headers: { 'x-user': 'beta-7', 'x-empty': '' },
  cookies: { plan: 'gold' },
  query: { page: 'a b' },
  source: '10.1.2.3',
}

/** Whether a condition, as people write it, holds. */
function holds(text: string, request = asked): boolean {
  const when = parseMatch(text)
  if ('problem' in when) assert.fail(`${text}: ${when.problem}`)
  return decide([{ when, action: { kind: 'forward', to: [{ backend: 'a', weight: 1 }] } }], request, 0) !== undefined
}

test('conditions as people write them', () => {
  const cases: readonly (readonly [string, boolean])[] = [
    ['header("x-user", "beta-7")', true],
    ['header("X-USER", "beta-7")', true],
    ['header("x-user", "beta")', false],
    ['header("x-user", "beta*")', true],
    ['header("x-user", /^beta-\\d$/)', true],
    ['header("x-user", /^eta/)', false],
    ['header("x-user")', true],
    ['header("x-empty")', true],
    ['header("x-none")', false],
    ['!header("x-none")', true],
    ['header("x-none", /.*/)', false],
    ["cookie('plan', 'gold') && query('page', 'a b')", true],
    ['cookie("plan", "silver") || query("page", /b$/)', true],
    ['cookie("plan", "silver") || header("x-none") && header("x-user")', false],
    ['(cookie("plan", "silver") || header("x-user")) && !header("x-none")', true],
  ]
  for (const [text, wanted] of cases) assert.equal(holds(text), wanted, text)
})

test('what is no condition is refused with the place', () => {
  for (const text of [
    '',
    'header',
    'header(x)',
    'header("a" "b")',
    'header("a b", "c")',
    'header("a", /(/)',
    'header("a") &&',
    'header("a") x',
    'header("a\n", "b")',
    '('.repeat(40),
    'header("a", /\\bx/)',
  ])
    assert.ok('problem' in parseMatch(text), text)
})

test('automata say what RE2 says', () => {
  const sources = [
    '^/bar$',
    'a|b',
    '^(foo|bar)+x?$',
    '[^a-c]z',
    '^$',
    '',
    '.',
    'a.c',
    '(?i)ABC',
    '^x{2,4}$',
    '\\d+\\.\\d',
    'end$',
    '^\\w+@\\w+',
    '(a*)*b',
    'é|x'.slice(2),
  ]
  const texts = [
    '',
    '/bar',
    'a',
    'foobarx',
    'dz',
    'az',
    'abc',
    'aBc',
    'a\nc',
    'xx',
    'xxxxx',
    '1.5',
    'the end',
    'end.',
    'me@host',
    'aaaa',
    'aab',
    'é',
    'zé',
  ]
  for (const source of sources) {
    const automaton = compileRegex(source)
    if ('problem' in automaton) assert.fail(`${source}: ${automaton.problem}`)
    for (const text of texts)
      assert.equal(accepts(automaton, text), RE2JS.compile(source).matcher(text).find(), `${source} on ${JSON.stringify(text)}`)
  }
})

test('expressions that would cost too much are refused', () => {
  for (const source of ['(a|b)*a(a|b){12}', 'x'.repeat(300), '\\bx', '(?m)^x', 'é', '('])
    assert.ok('problem' in compileRegex(source), source)
})

test('a client stays where it is while a share grows, and shares are as large as their weights', () => {
  const clients = Array.from({ length: 20_000 }, (_, i) => clientHash('salt', `client-${i}`))
  const at = (canary: number): readonly (string | undefined)[] =>
    clients.map(
      (client) =>
        spreadOf(
          [
            { backend: 'stable', weight: 70 - canary },
            { backend: 'old', weight: 30 },
            { backend: 'canary', weight: canary },
          ],
          client,
        )?.backend,
    )
  let before = at(0)
  for (const canary of [1, 5, 10, 25, 50, 70]) {
    const now = at(canary)
    for (const [i, one] of now.entries()) assert.ok(before[i] !== 'canary' || one === 'canary', 'a client has flipped back')
    const share = now.filter((one) => one === 'canary').length / clients.length
    assert.ok(Math.abs(share - canary / 100) < 0.015, `${canary} %: ${share}`)
    before = now
  }
  assert.equal(spreadOf([{ backend: 'a', weight: 0 }], 1), undefined)
})

test('a program holds text of users as hexadecimal digits alone', () => {
  const evil = '\n;\\ "shutdown,R,T'
  const program = encodeProgram(
    [
      {
        when: { kind: 'header', name: evil, value: { how: 'exact', text: evil } },
        action: { kind: 'redirect', status: 302, host: evil, path: { to: evil } },
      },
      {
        action: {
          kind: 'forward',
          to: [{ backend: evil, weight: 1 }],
          stick: { by: { kind: 'header', name: evil }, salt: evil },
          edits: [{ kind: 'request-header', how: 'set', name: evil, value: evil }],
        },
      },
    ],
    () => 'b1',
  )
  assert.match(program, /^[A-Za-z0-9,-]+$/)
  assert.equal(program.split(',').filter((word) => word === 'R').length, 2)
})
