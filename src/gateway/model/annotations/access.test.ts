import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readUsers } from '../users.ts'
import { type World, ingress, modelIn, rule, web } from '../model.fixture.ts'

const NGINX = 'nginx.ingress.kubernetes.io/'
const users = { users: [{ name: 'ann', hash: '{SHA}x' }] }
const read = (annotations: Record<string, string>) =>
  modelIn({
    services: { a: web },
    users: { 'x/users': users },
    ingresses: [
      ingress(
        'i',
        { rules: [rule('h', '/')] },
        { annotations: Object.fromEntries(Object.entries(annotations).map(([name, value]) => [`${NGINX}${name}`, value])) },
      ),
    ],
  })
const leads = (annotations: Record<string, string>) =>
  read(annotations)
    .model.route('prefix', 'h/')
    ?.map(({ when, action }) => (action.kind === 'forward' ? [when?.kind, action.to[0]?.backend, action.auth?.realm] : []))
const BASIC = { 'auth-type': 'basic', 'auth-secret': 'users' }

test('who may ask: a lock before the backend, and ranges before the lock', () => {
  assert.deepEqual(leads(BASIC), [[undefined, 'x/a:80', 'Authentication Required']])
  assert.deepEqual(leads({ ...BASIC, 'auth-secret': 'x/users', 'auth-realm': 'r' }), [[undefined, 'x/a:80', 'r']])
  assert.deepEqual(leads({ ...BASIC, 'whitelist-source-range': '10.0.0.0/8,1.2.3.4', 'denylist-source-range': '10.1.0.0/16' }), [
    ['any', '!403', undefined],
    ['not', '!403', undefined],
    [undefined, 'x/a:80', 'Authentication Required'],
  ])
})

test('a Service that is asked about each request', () => {
  const gateOf = (annotations: Record<string, string>): unknown =>
    read({ 'auth-url': 'http://a.x.svc:80/check?a=b', ...annotations })
      .model.route('prefix', 'h/')
      ?.map(({ action }) => action.kind === 'forward' && action.gate)[0]
  assert.deepEqual(gateOf({}), { backend: 'x/a:80', host: 'a.x.svc', path: '/check?a=b', pass: [] })
  assert.deepEqual(gateOf({ 'auth-signin': 'https://in.example/start', 'auth-response-headers': 'X-User, X-Mail' }), {
    backend: 'x/a:80',
    host: 'a.x.svc',
    path: '/check?a=b',
    pass: ['x-user', 'x-mail'],
    signIn: 'https://in.example/start?rd=$scheme://$host$escaped_request_uri',
  })
})

test('what cannot be held to is closed, and says why', () => {
  for (const [annotations, why] of [
    [{ 'auth-url': 'https://a/check' }, /auth-url/],
    [{ 'auth-url': 'http://a.other/check' }, /a Service of x/],
    [{ 'auth-url': 'http://none/check' }, /there is no Service/],
    [{ 'auth-url': 'http://a', 'auth-method': 'POST' }, /auth-method/],
    [{ 'auth-url': 'http://a', 'auth-response-headers': 'Host' }, /auth-response-headers/],
    [{ 'auth-url': 'http://a', 'auth-signin': 'https://$http_host/in' }, /auth-signin/],
    [{ 'auth-tls-secret': 'x/ca' }, /auth-tls-secret/],
    [{ 'auth-type': 'digest', 'auth-secret': 'users' }, /digest/],
    [{ 'auth-type': 'basic' }, /is no Secret of x/],
    [{ ...BASIC, 'auth-secret': 'other/users' }, /is no Secret of x/],
    [{ ...BASIC, 'auth-secret': 'none' }, /was not read yet/],
    [{ ...BASIC, 'auth-secret-type': 'auth-sheet' }, /auth-sheet/],
    [{ ...BASIC, 'auth-realm': 'a "b"' }, /without quotes/],
    [{ 'whitelist-source-range': '10.0.0.0/33' }, /is no range/],
    [{ 'whitelist-source-range': 'anybody' }, /is no range/],
    [{ 'whitelist-source-range': '' }, /0 ranges/],
  ] as const) {
    assert.deepEqual(leads(annotations), [[undefined, '!503', undefined]], JSON.stringify(annotations))
    assert.match(read(annotations).model.findings('x/i')[0]?.message ?? '', why)
  }
  // Of IPv6 nobody comes.
  assert.deepEqual(leads({ 'whitelist-source-range': 'fd00::/8' })?.[0], ['not', '!403', undefined])
})

test('users of Secrets in both forms, and what is none', () => {
  const secret = (data: Record<string, string>) => ({
    data: Object.fromEntries(Object.entries(data).map(([key, text]) => [key, Buffer.from(text).toString('base64')])),
  })
  const sha = `{SHA}${'A'.repeat(27)}=`
  const md5 = `$apr1$salt$${'a'.repeat(22)}`
  assert.deepEqual(readUsers(secret({ auth: `# us\nann:${sha}\r\n\nbob:${md5}` }), 'auth-file'), {
    users: [
      { name: 'ann', hash: sha },
      { name: 'bob', hash: md5 },
    ],
  })
  assert.deepEqual(readUsers(secret({ ann: sha }), 'auth-map'), { users: [{ name: 'ann', hash: sha }] })
  for (const bad of [
    {},
    { auth: '' },
    { auth: 'ann' },
    { auth: 'ann:secret' },
    { auth: `ann:$2y$05$${'a'.repeat(53)}` },
    { auth: `a b:${sha}` },
    { auth: `:${sha}` },
  ])
    assert.ok('problem' in readUsers(secret(bad as Record<string, string>), 'auth-file'), JSON.stringify(bad))
  assert.ok('problem' in readUsers(secret({ auth: Array.from({ length: 65 }, (_, at) => `u${at}:${sha}`).join('\n') }), 'auth-file'))
})

test('several Ingresses of a host may have people log in, by one door or by several, and a canary as its route does', () => {
  const said = { 'sampan.io/login-issuer': 'https://i', 'sampan.io/login-client': 'c', 'sampan.io/login-secret': 's' }
  const one = (name: string, path: string, more: Readonly<Record<string, string>> = {}) =>
    ingress(name, { rules: [rule('h', path)] }, { annotations: { ...said, ...more } })
  const { model, findings } = modelIn({
    services: { a: web },
    login: { id: 'ab', door: 'cd' },
    ingresses: [
      one('one', '/'),
      one('same', '/b'),
      one('other', '/c', { 'sampan.io/login-client': 'd' }),
      one('canary', '/', { [`${NGINX}canary`]: 'true', [`${NGINX}canary-weight`]: '10' }),
    ],
  })
  const said_ = (key: string): unknown =>
    model.route('exact', key)?.map(({ when, action }) => [when?.kind, action.kind === 'forward' && action.login?.at])
  assert.deepEqual(said_('h/oauth2/callback'), [
    ['query', 'return'],
    ['query', 'return'],
  ])
  assert.deepEqual(said_('h/oauth2/logout'), [
    ['cookie', 'logout'],
    ['cookie', 'logout'],
    [undefined, 'logout'],
  ])
  assert.deepEqual(findings, [])
  for (const path of ['h/', 'h/b/', 'h/c/'])
    assert.ok(
      model.route('prefix', path)?.every(({ action }) => action.kind === 'forward' && action.login?.at === 'page'),
      path,
    )
})

const TOKENS = { 'sampan.io/jwt-issuer': 'i', 'sampan.io/jwt-audiences': 'a', 'sampan.io/jwt-keys': 'configmap/keys' }
const id = { id: 'ab', realm: 'r' }

test('tokens and what is told of requests are of every rule; who cannot be kept out finds the route closed', () => {
  const world = (annotations: Record<string, string>, token: World['token'] = id) => {
    const { model, findings } = modelIn({
      services: { a: web },
      token,
      users: { 'x/users': users },
      ingresses: [ingress('i', { rules: [rule('h', '/')] }, { annotations })],
    })
    const found = model
      .route('prefix', 'h/')
      ?.map(({ action, observe }) => (action.kind === 'forward' ? [action.to[0]?.backend, action.token, observe] : []))
    return [found, findings.map(({ reason, message }) => `${reason}: ${message}`)]
  }
  assert.deepEqual(world(TOKENS), [[['x/a:80', id, undefined]], []])
  assert.deepEqual(world({ ...TOKENS, 'sampan.io/route-metrics': 'true' }), [[['x/a:80', id, { route: 7, isLogged: false }]], []])
  assert.deepEqual(world({ 'sampan.io/access-log': 'true' }), [[['x/a:80', undefined, { route: 7, isLogged: true }]], []])
  assert.deepEqual(world({ 'sampan.io/access-log': 'false' }), [[['x/a:80', undefined, undefined]], []])
  // Before the keys were read there is nothing to say yet.
  assert.deepEqual(world(TOKENS, 'waiting'), [[['!503', undefined, undefined]], []])
  const closed = (why: string): unknown => [
    [['!503', undefined, undefined]],
    [`AccessRefused: requests are answered with 503, since nobody could be kept out: ${why}`],
  ]
  assert.deepEqual(world(TOKENS, { problem: 'no keys' }), closed('no keys'))
  assert.deepEqual(world({ ...TOKENS, 'sampan.io/jwt-else': '' }), closed('"sampan.io/jwt-else" is not known'))
  assert.deepEqual(
    world({ ...TOKENS, [`${NGINX}auth-type`]: 'basic', [`${NGINX}auth-secret`]: 'users' }),
    closed('passwords and tokens are said in the same header of a request'),
  )
  assert.deepEqual(world({ 'sampan.io/access-log': 'json' }), [
    [['x/a:80', undefined, undefined]],
    ['AnnotationRefused: sampan.io/access-log is "true" or "false", and not "json"'],
  ])
})
