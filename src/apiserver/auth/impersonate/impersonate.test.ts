import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { rootScope } from '#base'
import { questionOf } from '../question.fixture.ts'
import type { AccessQuestion, Authorizer, UserInfo } from '../../contract.ts'
import { impersonation } from './impersonate.ts'

const scope = rootScope()
const sender: UserInfo = { name: 'deputy', groups: ['system:authenticated'], extra: {} }
const list = (user: UserInfo): AccessQuestion => questionOf(user, { verb: 'list' })
/** Rights as `verb group/resource[/subresource] name`. */
const may = (...rights: readonly string[]): Authorizer => ({
  name: 'test',
  authorize: (_scope, { verb, group, resource, subresource, name }) => {
    const what = `${verb} ${group}/${resource}${subresource === '' ? '' : `/${subresource}`} ${name}`.trim()
    return rights.includes(what) ? { kind: 'allow', reason: '' } : { kind: 'no-opinion', reason: '' }
  },
})
const actAs = async (authorizer: Authorizer, headers: Record<string, string | string[]>, as = sender): Promise<UserInfo> =>
  impersonation(authorizer).impersonate(scope, headers, list(as))

describe('acting as another user', () => {
  it('does nothing without the headers', async () => {
    assert.equal(await actAs(may(), { accept: '*/*' }), sender)
  })
  it('needs the right for the user and each of its parts', async () => {
    const headers = {
      'impersonate-user': 'bob',
      'impersonate-uid': 'u1',
      'impersonate-group': 'dev, ops',
      'impersonate-extra-scopes': ['view'],
      'impersonate-extra-a%2fb': 'c',
    }
    const rights = [
      'impersonate /users bob',
      'impersonate authentication.k8s.io/uids u1',
      'impersonate /groups dev',
      'impersonate /groups ops',
      'impersonate authentication.k8s.io/userextras/scopes view',
      'impersonate authentication.k8s.io/userextras/a/b c',
    ]
    assert.deepEqual(await actAs(may(...rights), headers), {
      name: 'bob',
      uid: 'u1',
      groups: ['dev', 'ops', 'system:authenticated'],
      extra: { scopes: ['view'], 'a/b': ['c'] },
    })
    for (const left of rights)
      await assert.rejects(actAs(may(...rights.filter((right) => right !== left)), headers), { reason: 'Forbidden' })
  })
  it('gives service accounts their groups, and the anonymous user its own', async () => {
    const account = await actAs(may('impersonate /serviceaccounts robot'), { 'impersonate-user': 'system:serviceaccount:a:robot' })
    assert.deepEqual(account.groups, ['system:serviceaccounts', 'system:serviceaccounts:a', 'system:authenticated'])
    assert.deepEqual((await actAs(may('impersonate /users system:anonymous'), { 'impersonate-user': 'system:anonymous' })).groups, [
      'system:unauthenticated',
    ])
    await assert.rejects(actAs(may('impersonate /serviceaccounts bad'), { 'impersonate-user': 'system:serviceaccount:bad' }), {
      reason: 'Forbidden',
    })
  })
  it('refuses parts of a user without a name', async () => {
    await assert.rejects(actAs(may(), { 'impersonate-group': 'g1' }), {
      httpStatus: 400,
      message:
        'requested &user.DefaultInfo{Name:"", UID:"", Groups:[]string{"g1"}, Extra:map[string][]string(nil)} without impersonating a user name',
    })
  })
})

describe('acting as another user for one kind of request', () => {
  const bob = { 'impersonate-user': 'bob' }
  it('needs the right to the request and the right to the user', async () => {
    const rights = ['impersonate-on:user-info:list /pods', 'impersonate:user-info authentication.k8s.io/users bob']
    assert.equal((await actAs(may(...rights), bob)).name, 'bob')
    for (const right of rights) await assert.rejects(actAs(may(right), bob), { reason: 'Forbidden' })
  })
  it('never leads to system:masters', async () => {
    const rights = [
      'impersonate-on:user-info:list /pods',
      'impersonate:user-info authentication.k8s.io/users bob',
      'impersonate:user-info authentication.k8s.io/groups system:masters',
    ]
    await assert.rejects(
      actAs(may(...rights), { ...bob, 'impersonate-group': 'system:masters' }),
      /impersonating the system:masters group is not allowed/,
    )
  })
  it('lets an agent be the node that it runs on, and no other', async () => {
    const rights = may('impersonate-on:associated-node:list /pods', 'impersonate:associated-node authentication.k8s.io/nodes *')
    const agent: UserInfo = {
      name: 'system:serviceaccount:a:agent',
      groups: [],
      extra: { 'authentication.kubernetes.io/node-name': ['n1'] },
    }
    assert.deepEqual((await actAs(rights, { 'impersonate-user': 'system:node:n1' }, agent)).groups, [
      'system:nodes',
      'system:authenticated',
    ])
    await assert.rejects(actAs(rights, { 'impersonate-user': 'system:node:n2' }, agent), { reason: 'Forbidden' })
    await assert.rejects(actAs(rights, { 'impersonate-user': 'system:node:n1' }), { reason: 'Forbidden' })
  })
  it('answers with the refusal of the mode that worked last, else of the narrowest', async () => {
    const one = impersonation(may('impersonate /users bob'))
    const refusalFor = (name: string): Promise<string> =>
      Promise.resolve(one.impersonate(scope, { 'impersonate-user': name }, list(sender))).then(
        () => 'allowed',
        (error: Error) => error.message,
      )
    assert.match(await refusalFor('eve'), /^pods is forbidden: User "deputy" cannot impersonate-on:user-info:list resource "pods"/)
    assert.equal(await refusalFor('bob'), 'allowed')
    assert.equal(
      await refusalFor('eve'),
      'users "eve" is forbidden: User "deputy" cannot impersonate resource "users" in API group "" at the cluster scope',
    )
  })
})
