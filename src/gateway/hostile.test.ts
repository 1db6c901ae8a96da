import assert from 'node:assert/strict'
import { test } from 'node:test'
import { rootScope } from '#base'
import { placesIn } from './haproxy/places.ts'
import { planChange } from './haproxy/plan.ts'
import { renderFiles } from './haproxy/render.ts'
import { Conversation, DataPlaneRefused, tellAll } from './haproxy/runtime-api.ts'
import { freshState } from './haproxy/state.ts'
import { readCertificate } from './model/certificate.ts'
import { type ModelInWorld, ingress, modelIn, rule, slice, web } from './model/model.fixture.ts'

const WORDS = [
  '\n',
  '\r',
  ' ',
  ';',
  '\\',
  '"',
  "'",
  '#',
  '{',
  '}',
  '$',
  '`',
  '<',
  '<<',
  '|',
  '(',
  ')',
  '*x',
  '\0',
  '\u2028',
  'é',
  '\t',
  '^',
]
const HOSTS = [
  ...WORDS.map((word) => `a${word}.example`),
  ...WORDS.map((word) => `${word}a.example`),
  '*',
  '**.example',
  'a.*.example',
  '-a.example',
  'a-.example',
  '.example',
  'a..example',
  'a.example/',
  'a.example:80',
  '[::1]',
  `${'a'.repeat(64)}.example`,
  `${'a.'.repeat(130)}example`,
]
const PATHS = [...WORDS.map((word) => `/a${word}b`), 'relative', '*', '/(a|b)', '/.*', '/a$', '/a?b', '/[a]', `/${'a'.repeat(1024)}`]
const places = placesIn('/tmp/g')
const listening = {
  address: '10.0.0.1',
  ownAddresses: [],
  httpPort: 80,
  httpsPort: 443,
  more: [],
  threads: 2,
  dropRights: false,
  affinityKey: 'ab12',
}

/** Everything that the data plane would be told or given of a model, from nothing. */
function everything({ model }: ModelInWorld): string {
  const commands = planChange(freshState(modelIn({ ingresses: [] }).model), model, model.takeChanges(), places)
  return [
    ...(commands ?? []).map(({ line, payload }) => `${line} ${payload ?? ''}`),
    ...renderFiles(freshState(model), places, listening, '').values(),
  ].join('\n')
}
const nothing = everything(modelIn({ ingresses: [] }))

for (const [kind, texts, spec] of [
  ['hosts', HOSTS, (text: string) => ({ rules: [rule(text, '/')] })],
  ['paths', PATHS, (text: string) => ({ rules: [rule('a.example', text), rule('a.example', text, 'Exact')] })],
  ['hosts of certificates', HOSTS, (text: string) => ({ tls: [{ hosts: [text], secretName: 's' }] })],
] as const)
  test(`${kind} that are none are told to their owner, and nothing of them reaches the data plane`, () => {
    const certificates = { 'x/s': { pem: 'p\n', notAfterMs: Infinity, names: [], isFor: () => true } }
    for (const text of texts) {
      const model = modelIn({ services: { a: web }, certificates, ingresses: [ingress('i', spec(text))] })
      const lines = everything(model)
      assert.equal(lines, nothing, JSON.stringify(text))
      assert.ok(model.findings.length > 0, JSON.stringify(text))
      // The message is on one line and short, whatever it speaks of.
      for (const { message } of model.findings) assert.ok(message.length < 400 && !/[\n\r\0]/.test(message), JSON.stringify(text))
    }
  })

test('what annotations say is in what the data plane gets as digits alone, or not at all', () => {
  const around: Readonly<Record<string, (text: string) => string>> = {
    'cors-allow-origin': (text) => `https://${text}.example`,
    'cors-allow-methods': (text) => text,
    'cors-allow-headers': (text) => text,
    'cors-expose-headers': (text) => text,
    'cors-max-age': (text) => `1${text}`,
    'mirror-target': (text) => `http://a${text}$request_uri`,
    'proxy-next-upstream': (text) => `error ${text}`,
    'proxy-next-upstream-tries': (text) => `2${text}`,
    'auth-realm': (text) => text,
    'auth-secret': (text) => text,
    'auth-url': (text) => `http://a/${text}`,
    'auth-signin': (text) => `https://a.example/${text}`,
    'auth-response-headers': (text) => `x-a, ${text}`,
    'whitelist-source-range': (text) => `10.0.0.0/8,${text}`,
    'rewrite-target': (text) => `/${text}`,
  }
  const users = { 'x/users': { users: [{ name: 'marked', hash: '{SHA}marked' }] } }
  const prefix = 'nginx.ingress.kubernetes.io/'
  const usual = { [`${prefix}enable-cors`]: 'true', [`${prefix}auth-type`]: 'basic', [`${prefix}auth-secret`]: 'users' }
  for (const word of ['', ...WORDS, ',', ':', '-', '=']) {
    // One for each: what cannot be held to closes all of its Ingress.
    const ingresses = Object.entries(around).map(([name, whole]) => {
      const annotations = { ...usual, [`${prefix}${name}`]: whole(`marked${word}marked`) }
      return ingress(name, { rules: [rule(`${name}.example`, '/')] }, { annotations })
    })
    const model = modelIn({ services: { a: web }, users, ingresses })
    assert.doesNotMatch(everything(model), /marked/i, JSON.stringify(word))
    for (const { message } of model.findings) assert.ok(message.length < 400 && !/[\n\r\0]/.test(message), JSON.stringify(word))
  }
})

test('names of Services and addresses of endpoints never stand in a command but as numbers and checked addresses', () => {
  const name = 'x\nshutdown frontend web'
  const model = modelIn({
    services: { [name]: web },
    slices: { [name]: [slice(['10.0.0.1\nshow info', '10.0.0.2']), slice(['10.0.0.3'], {}, 99_999)] },
    ingresses: [ingress('i', { rules: [rule('a.example', '/', 'Prefix', { service: { name, port: { number: 80 } } })] })],
  })
  const lines = everything(model)
  assert.doesNotMatch(lines, /shutdown|show info|10\.0\.0\.3/)
  assert.match(lines, /set server b0\/s0 addr 10\.0\.0\.2 port 8080/)
})

test('a command that could be two is never sent', async () => {
  const nobody = new Conversation('/nonexistent')
  for (const line of ['a\nb', 'a;b', 'a\\ b'])
    await assert.rejects(tellAll(rootScope(), nobody, '/nonexistent', [{ line, done: /x/ }]), DataPlaneRefused)
  await assert.rejects(
    tellAll(rootScope(), nobody, '/nonexistent', [{ line: 'a', payload: 'b\n\nshow info\n', done: /x/ }]),
    DataPlaneRefused,
  )
})

test('Secrets that hold no pair of certificate and key are refused with the reason', () => {
  const encoded = (text: string): string => Buffer.from(text).toString('base64')
  const cases = [
    [{}, /no tls.crt and tls.key/],
    [{ 'tls.crt': encoded('x') }, /no tls.crt and tls.key/],
    [{ 'tls.crt': encoded('nothing'), 'tls.key': encoded('nothing') }, /holds no certificate/],
    [{ 'tls.crt': encoded('-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----'), 'tls.key': '' }, /cannot be used/],
    [{ 'tls.crt': 'A'.repeat(100_000), 'tls.key': '' }, /sensible size/],
  ] as const
  for (const [data, wanted] of cases) {
    const read = readCertificate({ data })
    assert.ok('problem' in read)
    assert.match(read.problem, wanted)
  }
})

test('a folder whose name could end a line of the configuration is refused', () => {
  for (const folder of ['relative', '/a b', '/a\nb', '/a#b', '/a"', `/${'a'.repeat(80)}`])
    assert.throws(() => placesIn(folder), /cannot hold/)
})
