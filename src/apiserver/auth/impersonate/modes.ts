import type { Scope } from '#base'
import type { AccessQuestion, Authorizer, UserInfo } from '../../contract.ts'
import { mustBeAllowed, refusal } from '../authorize/authorize.ts'
import { ANONYMOUS_NAME, EXTRA, GROUPS, parseNodeUser, parseServiceAccountUser, serviceAccountGroups } from '../users.ts'
import type { WantedUser } from './headers.ts'

/** One way to be allowed to act as another. Undefined: not a way to this user. Throws the refusal. */
export type ImpersonationMode = (scope: Scope, wanted: WantedUser, question: AccessQuestion) => Promise<UserInfo | undefined>

const AUTHENTICATION = 'authentication.k8s.io'

/** In the order in which they are tried. */
export function impersonationModes(authorizer: Authorizer): readonly ImpersonationMode[] {
  const ask = async (scope: Scope, question: AccessQuestion): Promise<void> =>
    mustBeAllowed(await authorizer.authorize(scope, question), question)
  return [
    constrained(ask, 'associated-node', (wanted, sender) => {
      const node = parseNodeUser(wanted.name)
      return (
        onlyNamed(wanted) &&
        node !== undefined &&
        parseServiceAccountUser(sender.name) !== undefined &&
        isOnly(sender.extra[EXTRA.nodeName], node)
      )
    }),
    constrained(ask, 'arbitrary-node', (wanted) => onlyNamed(wanted) && parseNodeUser(wanted.name) !== undefined),
    constrained(ask, 'serviceaccount', (wanted) => onlyNamed(wanted) && parseServiceAccountUser(wanted.name) !== undefined),
    constrained(
      ask,
      'user-info',
      (wanted) => parseNodeUser(wanted.name) === undefined && parseServiceAccountUser(wanted.name) === undefined,
    ),
    (scope, wanted, { user }) => identity(scope, ask, wanted, { sender: user, verb: 'impersonate', group: '', constrained: false }),
  ]
}

type Ask = (scope: Scope, question: AccessQuestion) => Promise<void>

const onlyNamed = (wanted: WantedUser): boolean => wanted.uid === '' && wanted.groups.length === 0 && Object.keys(wanted.extra).length === 0
const isOnly = (values: readonly string[] | undefined, value: string): boolean => values?.length === 1 && values[0] === value

/** Two rights are needed: to do this very request as somebody else in this mode, and to be this somebody. */
function constrained(ask: Ask, mode: string, applies: (wanted: WantedUser, sender: UserInfo) => boolean): ImpersonationMode {
  return async (scope, wanted, question) => {
    if (!applies(wanted, question.user)) return undefined
    const associated = mode === 'associated-node'
    const sender = associated ? withoutAssociations(question.user) : question.user
    await ask(scope, { ...question, user: sender, verb: `impersonate-on:${mode}:${question.verb}` })
    return identity(scope, ask, wanted, {
      sender,
      verb: `impersonate:${mode}`,
      group: AUTHENTICATION,
      constrained: true,
      anyNode: associated,
    })
  }
}

/** The right to be the node that one runs on does not depend on which node that is. */
function withoutAssociations(sender: UserInfo): UserInfo {
  return { ...sender, extra: { 'authentication.kubernetes.io/associated-node-keys': Object.keys(sender.extra).sort() } }
}

interface IdentityCheck {
  readonly sender: UserInfo
  readonly verb: string
  readonly group: string
  readonly constrained: boolean
  readonly anyNode?: boolean
}

async function identity(scope: Scope, ask: Ask, wanted: WantedUser, check: IdentityCheck): Promise<UserInfo> {
  let groups = wanted.groups
  const account = parseServiceAccountUser(wanted.name)
  const node = check.constrained ? parseNodeUser(wanted.name) : undefined
  if (account !== undefined) {
    await ask(scope, about(check, check.group, 'serviceaccounts', account.name, { namespace: account.namespace }))
    if (groups.length === 0) groups = serviceAccountGroups(account.namespace)
  } else if (node !== undefined) {
    await ask(scope, about(check, check.group, 'nodes', check.anyNode === true ? '*' : node))
    groups = [GROUPS.nodes]
  } else {
    await ask(scope, about(check, check.group, 'users', wanted.name))
  }
  if (wanted.uid !== '') await ask(scope, about(check, AUTHENTICATION, 'uids', wanted.uid))
  if (check.constrained) refuseUnsafe(wanted, check)
  for (const group of wanted.groups) await ask(scope, about(check, check.group, 'groups', group))
  for (const [key, values] of Object.entries(wanted.extra)) {
    for (const value of values) await ask(scope, about(check, AUTHENTICATION, 'userextras', value, { subresource: key }))
  }
  return {
    name: wanted.name,
    ...(wanted.uid === '' ? {} : { uid: wanted.uid }),
    groups: withAuthenticated(wanted.name, groups),
    extra: wanted.extra,
  }
}

function about(check: IdentityCheck, group: string, resource: string, name: string, more: Partial<AccessQuestion> = {}): AccessQuestion {
  const { sender, verb } = check
  return { user: sender, verb, isResource: true, group, version: 'v1', resource, subresource: '', namespace: '', name, path: '', ...more }
}

/** What nobody gets in a narrow mode, whatever the rules say. */
function refuseUnsafe({ groups, extra }: WantedUser, check: IdentityCheck): void {
  if (groups.includes('')) throw refusal(about(check, check.group, 'groups', ''), 'impersonating the empty string group is not allowed')
  if (groups.includes(GROUPS.masters)) {
    throw refusal(about(check, check.group, 'groups', GROUPS.masters), 'impersonating the system:masters group is not allowed')
  }
  const refuseExtra = (why: string): never => {
    throw refusal(about(check, AUTHENTICATION, 'userextras', ''), why)
  }
  for (const [key, values] of Object.entries(extra)) {
    if (key === '') refuseExtra('impersonating the empty string key in extra is not allowed')
    if (!/^[a-z0-9]([-a-z0-9.]*[a-z0-9])?\/[^/]+(\/[^/]+)*$/.test(key)) refuseExtra('impersonating an invalid key in extra is not allowed')
    if (values.includes('')) refuseExtra('impersonating the empty string value in extra is not allowed')
  }
}

function withAuthenticated(name: string, groups: readonly string[]): readonly string[] {
  const group = name === ANONYMOUS_NAME ? GROUPS.unauthenticated : GROUPS.authenticated
  if (groups.includes(group) || groups.includes(GROUPS.unauthenticated)) return groups
  return [...groups, group]
}
