import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { type TestContext, test } from 'node:test'
import { rootScope } from '#base'
import { eventually, manualClock } from '#testing/basics'
import { InvalidToken } from '../../authenticate/bearer.ts'
import { openAuthentication } from '../authentication.ts'
import { testWebhook } from './webhook.fixture.ts'
import { readWebhookKubeconfig } from './webhook-kubeconfig.ts'

async function world(t: TestContext) {
  const clock = manualClock()
  const scope = rootScope({ clock })
  t.after(() => scope.cancel())
  const webhook = await testWebhook(t, rootScope())
  const { tokens } = await openAuthentication(scope, {
    authenticationTokenWebhookConfigFile: webhook.kubeconfig,
    authenticationTokenWebhookVersion: 'v1',
    authenticationTokenWebhookCacheTtl: '1m',
    ownIssuers: ['https://own'],
  })
  const [authenticator = assert.fail()] = tokens
  const ask = async (token: string, audiences?: readonly string[]) => authenticator.authenticateToken(scope, token, audiences)
  return { clock, webhook, ask }
}

const yes = { authenticated: true, user: { username: 'ann', uid: 'u', groups: ['dev'], extra: { a: ['b'] } } }

test('the webhook says who it is, and is not asked again for a while', async (t) => {
  const { webhook, ask, clock } = await world(t)
  webhook.say(yes)
  const user = { name: 'ann', uid: 'u', groups: ['dev', 'system:authenticated'], extra: { a: ['b'] } }
  assert.deepEqual(await ask('t'), { user, audiences: ['https://own'] })
  assert.deepEqual(webhook.asked, [
    {
      authorization: 'Bearer mine',
      kind: 'TokenReview',
      apiVersion: 'authentication.k8s.io/v1',
      spec: { token: 't', audiences: ['https://own'] },
    },
  ])
  webhook.say({ authenticated: false })
  assert.deepEqual(await ask('t'), { user, audiences: ['https://own'] })
  assert.equal(webhook.asked.length, 1)
  clock.advance(60_000)
  assert.equal(await ask('t'), undefined)
  webhook.say(yes)
  assert.equal(await ask('t'), undefined)
  assert.equal(webhook.asked.length, 2)
})

test('a token is good for the audiences that the webhook names', async (t) => {
  const { webhook, ask } = await world(t)
  webhook.say({ ...yes, audiences: ['b', 'c'] })
  assert.deepEqual((await ask('t', ['a', 'b']))?.audiences, ['b'])
  assert.equal(await ask('t', ['a']), undefined)
  assert.equal(await ask('t'), undefined)
  webhook.say(yes)
  assert.equal(await ask('u', ['a']), undefined)
  assert.deepEqual((await ask('u', ['a', 'https://own']))?.audiences, ['https://own'])
})

test('what the webhook says against a token is the reason', async (t) => {
  const { webhook, ask } = await world(t)
  webhook.say({ authenticated: false, error: 'expired' })
  await assert.rejects(ask('t'), (error) => error instanceof InvalidToken && error.message === 'expired')
  webhook.say({ authenticated: true, user: { username: '' } })
  await assert.rejects(ask('t'), /names no user/)
})

test('a busy webhook is asked again, one that refuses is not, and neither is believed', async (t) => {
  const { webhook, ask, clock } = await world(t)
  webhook.say(yes, 403)
  await assert.rejects(ask('t'), (error) => error instanceof InvalidToken && !error.message.includes(' t '))
  assert.equal(webhook.asked.length, 1)
  webhook.say(yes, 429)
  const late = ask('t')
  await eventually('the first try', () => webhook.asked.length === 2)
  webhook.say(yes)
  await eventually('another try', () => {
    clock.advance(700)
    return webhook.asked.length === 3
  })
  assert.equal((await late)?.user.name, 'ann')
})

test('a kubeconfig that asks for more than there is names what it is', async (t) => {
  const { kubeconfig } = await testWebhook(t, rootScope())
  const text = readFileSync(kubeconfig, 'utf8')
  const changed = (from: string | RegExp, to: string) => () => {
    writeFileSync(kubeconfig, text.replace(from, to))
    return readWebhookKubeconfig(kubeconfig)
  }
  assert.equal(changed('', '')().authorization(), 'Bearer mine')
  assert.throws(changed('"token":"mine"', '"exec":{}'), /unknown field "users\[0\].user.exec"/)
  assert.throws(
    changed('"server"', '"insecure-skip-tls-verify":true,"server"'),
    /unknown field "clusters\[0\].cluster.insecure-skip-tls-verify"/,
  )
  assert.throws(changed('https:', 'http:'), /must be an https URL/)
  assert.throws(changed('"current-context":"c"', '"current-context":"d"'), /there is no context "d"/)
  assert.throws(changed('"token":"mine"', '"client-certificate-data":"eA=="'), /belong together/)
})
