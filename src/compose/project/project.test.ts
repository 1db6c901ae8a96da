import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { propertyRuns } from '#testing/basics'
import { ComposeRefused } from '../refusal.ts'
import { printJson, printYaml } from '../print/print.ts'
import { loadProject } from './project.ts'

const load = (text: string, environment: Record<string, string> = {}) =>
  loadProject({
    files: { home: '/home/u', read: (path) => (path === '/p/compose.yaml' ? text : undefined) },
    folder: '/p',
    environment,
    warn: () => undefined,
  })

test('all missing variables are told at once, with the line of the first', () => {
  const text = 'services:\n  a:\n    image: ${ONE:?one}\n    command: ["${TWO:?two}"]\n'
  assert.throws(
    () => load(text),
    (error: unknown) =>
      error instanceof ComposeRefused && error.place?.line === 3 && error.message.includes('ONE') && error.message.includes('TWO'),
  )
})

test('an unknown key is refused at its own line', () => {
  assert.throws(
    () => load('services:\n  a:\n    image: b\n    imagee: c\n'),
    (error: unknown) => error instanceof ComposeRefused && error.place?.line === 4 && error.place.file === '/p/compose.yaml',
  )
})

test('in a file of version 1 a service extends another of the same file, whose name servers stay beside its own', () => {
  const { config } = load('base:\n  image: b\n  dns: [1.1.1.1]\napp:\n  extends: {service: base}\n  dns: 1.1.1.1\n  environment: {A: 1}\n')
  const { app } = config['services'] as Record<string, unknown>
  assert.deepEqual(JSON.parse(JSON.stringify(app)), {
    image: 'b',
    dns: ['1.1.1.1', '1.1.1.1'],
    environment: { A: 1 },
    network_mode: 'bridge',
  })
})

test('keys of the prototype are keys like others', () => {
  const { config } = load('services:\n  __proto__: {image: a}\n  constructor: {image: b}\n')
  assert.deepEqual(Object.keys(config['services'] as object).sort(), ['__proto__', 'constructor'])
  assert.equal(({} as Record<string, unknown>)['image'], undefined)
})

test('a document that grows by its aliases is refused', () => {
  const levels = Array.from({ length: 9 }, (_, at) => `x-${at + 1}: &l${at + 1} [${Array.from({ length: 9 }, () => `*l${at}`).join(', ')}]`)
  assert.throws(() => load(`x-0: &l0 [a]\n${levels.join('\n')}\nservices: {a: {image: a}}\n`), /excessive aliasing/)
})

test('a key that is no string is refused, whatever it is; so is binary data that is none', () => {
  for (const key of ['{}', '[a]', '0', 'null', '2026-01-01']) assert.throws(() => load(`${key}: b\n`), /Non-string key at top level/)
  assert.throws(() => load('services: {a: {image: !!binary "a b"}}'), /line 1|invalid base64/)
})

test('whatever the text, it is a project or it is refused', () => {
  const piece = fc.constantFrom(
    'services:',
    'a:',
    ' ',
    '\n',
    '  ',
    'image: b',
    '- ',
    '[',
    ']',
    '{',
    '}',
    '? ',
    '0',
    '!!binary ',
    '&x',
    '*x',
    '<<: ',
    '!reset',
    '"',
    '${A',
    'ports: ["1:2"]',
    '0x',
    ': ',
  )
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 30 }), (pieces) => {
      try {
        load(pieces.join(''))
      } catch (error) {
        if (!(error instanceof ComposeRefused)) throw error
      }
    }),
    propertyRuns(300),
  )
})

test('whole numbers are kept digit by digit', () => {
  const text =
    'services: {a: {image: i, mem_limit: 9007199254740993, cpu_shares: 9007199254740993}}\nx-n: -9223372036854775808\nx-big: 18446744073709551615\nx-more: 18446744073709551616\n'
  const { config } = load(text)
  assert.match(printYaml(config), /^x-big: 18446744073709551615$/m)
  assert.match(printYaml(config), /^ +mem_limit: "9007199254740993"$/m)
  assert.match(printYaml(config), /^ +cpu_shares: 9007199254740993$/m)
  assert.match(printJson(config), /"x-n": -9223372036854775808\b/)
  assert.match(printJson(config), /"x-big": 18446744073709551615\b/)
  // Beyond 64 bits they are numbers with a point.
  assert.match(printJson(config), /"x-more": 18446744073709552000\b/)
  assert.match(printYaml(load('a:\n  image: i\n  mem_limit: 36893488147419103233\n').config), /mem_limit: 36893488147419103233$/m)
})

test('the environment of a file of version 1 is read as Compose 1 does', () => {
  const env = [
    'PLAIN=a # a comment',
    "SINGLE='it is $$HOME'",
    'NAMED=${PLAIN}-$PLAIN',
    'export EXPORTED="two\nlines"',
    'UNSET=${NOBODY:-otherwise}',
    'BARE',
    'not a variable',
    '',
  ].join('\n')
  const warnings: string[] = []
  const with_ = (compose: string) =>
    loadProject({
      files: { home: '/home/u', read: (path) => ({ '/p/docker-compose.yml': compose, '/p/.env': env })[path] },
      folder: '/p',
      environment: { SHELL_SAYS: 'x' },
      warn: (text) => warnings.push(text),
    }).config
  const one = with_('web:\n  image: i\n  labels:\n    all: "${PLAIN}|${SINGLE}|${NAMED}|${EXPORTED}|${UNSET}|${BARE}|${SHELL_SAYS}"\n')
  const { web } = one['services'] as Record<string, { labels: { all: string } }>
  assert.equal(web?.labels.all, 'a|it is $$HOME|a-$PLAIN|two\nlines|otherwise||x')
  assert.deepEqual(
    warnings.filter((text) => text.startsWith('/p/.env')),
    ['/p/.env:8: this line is no variable, and passed over'],
  )
  // Files of later versions are of Compose 2, which refuses such a line, and fills in `$PLAIN`.
  assert.throws(() => with_('services: {web: {image: i}}\n'), ComposeRefused)
})
