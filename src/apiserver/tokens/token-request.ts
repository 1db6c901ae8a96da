import { type Scope, rfc3339 } from '#base'
import { type KubeObject, Path, type authentication, fieldError, refs, statusError } from '#api'
import { serviceAccountUserName } from '../auth/users.ts'
import type { ObjectReader, VirtualRequest, VirtualResource } from '../contract.ts'
import type { PrivateClaims } from './claims.ts'
import type { TokenSigner } from './keys.ts'
import { signToken } from './sign.ts'

export interface TokenRequestOptions {
  readonly issuer: string
  /** Of tokens that name none. */
  readonly audiences: readonly string[]
  readonly signer: TokenSigner
  readonly reader: ObjectReader
}

const KIND = { group: 'authentication.k8s.io', kind: 'TokenRequest' } as const
const SHORTEST_SECONDS = 600
const LONGEST_SECONDS = 2 ** 32
const USUAL_SECONDS = 3600
/**
 * The lifetime that pods ask for by default. Programs that read their token only once are given a year before it stops working, as
 * kube-apiserver does; the answer still tells the node to fetch a new one within the hour.
 */
const POD_SECONDS = 3607
const EXTENDED_SECONDS = 365 * 86_400

/** `serviceaccounts/token`: hands out tokens. */
export function tokenRequestResource(options: TokenRequestOptions): VirtualResource {
  return {
    ref: refs.serviceaccounts,
    subresource: 'token',
    defaults: (object) => {
      const { spec } = object as authentication.TokenRequest
      ;(object as { spec: object }).spec = { ...spec, expirationSeconds: spec?.expirationSeconds ?? USUAL_SECONDS }
    },
    create: (scope, request, object) => createToken(scope, options, request, object),
  }
}

async function createToken(scope: Scope, options: TokenRequestOptions, request: VirtualRequest, object: KubeObject): Promise<KubeObject> {
  const asked = object as authentication.TokenRequest
  const { namespace, name } = request
  checkIdentity(asked, request)
  const account = options.reader.get(refs.serviceaccounts, namespace, name)
  if (account === undefined) throw statusError.notFound(refs.serviceaccounts, name)
  const uid = account.metadata?.uid ?? ''
  const askedUid = asked.metadata?.uid ?? ''
  if (askedUid !== '' && askedUid !== uid) {
    const why = `the UID in the token request (${askedUid}) does not match the UID of the service account (${uid})`
    throw statusError.conflict({ group: KIND.group, plural: KIND.kind }, name, why)
  }

  const audiences = asked.spec?.audiences?.length ? asked.spec.audiences : [...options.audiences]
  const lifetimeSeconds = asked.spec?.expirationSeconds ?? USUAL_SECONDS
  checkLifetime(lifetimeSeconds)

  const bound = asked.spec?.boundObjectRef ?? undefined
  const claims = bound === undefined ? {} : bind(options.reader, request, bound)
  const nowSeconds = Math.floor(scope.clock.now() / 1000)
  const extended = lifetimeSeconds === POD_SECONDS && claims.pod !== undefined && audiences.every((one) => options.audiences.includes(one))
  const token = await signToken(scope, options.signer, {
    issuer: options.issuer,
    subject: serviceAccountUserName(namespace, name),
    audiences,
    lifetimeSeconds: extended ? EXTENDED_SECONDS : lifetimeSeconds,
    own: {
      namespace,
      ...claims,
      serviceaccount: { name, uid },
      ...(extended ? { warnafter: nowSeconds + POD_SECONDS } : {}),
    },
  })
  return {
    kind: KIND.kind,
    apiVersion: `${KIND.group}/v1`,
    metadata: { ...asked.metadata, name, namespace, uid, creationTimestamp: rfc3339(scope.clock.now()) },
    spec: { audiences, expirationSeconds: lifetimeSeconds, boundObjectRef: bound ?? null },
    status: { token, expirationTimestamp: rfc3339((nowSeconds + lifetimeSeconds) * 1000) },
  } as KubeObject
}

function checkIdentity(asked: authentication.TokenRequest, { namespace, name }: VirtualRequest): void {
  const { name: askedName = '', namespace: askedNamespace = '' } = asked.metadata ?? {}
  if (askedName !== '' && askedName !== name) {
    const error = fieldError.invalid(Path.of('metadata', 'name'), askedName, 'must match the service account name if specified')
    throw statusError.invalid(KIND, name, [error])
  }
  if (askedNamespace !== '' && askedNamespace !== namespace) {
    const error = fieldError.invalid(
      Path.of('metadata', 'namespace'),
      askedNamespace,
      'must match the service account namespace if specified',
    )
    throw statusError.invalid(KIND, name, [error])
  }
}

function checkLifetime(seconds: number): void {
  const refuse = (detail: string): never => {
    throw statusError.invalid(KIND, '', [fieldError.invalid(Path.of('spec', 'expirationSeconds'), seconds, detail)])
  }
  if (seconds < SHORTEST_SECONDS) refuse('may not specify a duration less than 10 minutes')
  if (seconds > LONGEST_SECONDS) refuse('may not specify a duration larger than 2^32 seconds')
}

/** The claims of the object that the token is to end with. */
function bind(
  reader: ObjectReader,
  { namespace, name: account }: VirtualRequest,
  bound: authentication.BoundObjectReference,
): Pick<PrivateClaims, 'pod' | 'secret' | 'node'> {
  const { apiVersion = '', kind = '', name = '', uid = '' } = bound
  const found = <T extends KubeObject>(plural: string, object: T | undefined): T => {
    if (object === undefined) throw statusError.notFound({ group: '', plural }, name)
    return object
  }
  const uidOf = ({ metadata }: KubeObject): string => {
    const recorded = metadata?.uid ?? ''
    if (uid === '' || uid === recorded) return recorded
    throw statusError.conflict(
      { group: '', plural: kind },
      name,
      `the UID in the bound object reference (${uid}) does not match the UID in record. The object might have been deleted and then recreated`,
    )
  }
  // Of the core group, whatever the version.
  const isCore = !apiVersion.includes('/')
  if (isCore && name === '' && ['Pod', 'Secret', 'Node'].includes(kind)) throw statusError.badRequest('Name parameter required.')
  if (isCore && kind === 'Pod') {
    const pod = found('pods', reader.get(refs.pods, namespace, name))
    if (pod.spec?.serviceAccountName !== account) {
      throw statusError.badRequest(
        `cannot bind token for serviceaccount ${JSON.stringify(account)} to pod running with different serviceaccount name.`,
      )
    }
    const nodeName = pod.spec.nodeName ?? ''
    const nodeUid = nodeName === '' ? undefined : reader.get(refs.nodes, '', nodeName)?.metadata?.uid
    return {
      ...(nodeName === '' ? {} : { node: { name: nodeName, ...(nodeUid === undefined ? {} : { uid: nodeUid }) } }),
      pod: { name, uid: uidOf(pod) },
    }
  }
  if (isCore && kind === 'Secret') return { secret: { name, uid: uidOf(found('secrets', reader.get(refs.secrets, namespace, name))) } }
  if (isCore && kind === 'Node') return { node: { name, uid: uidOf(found('nodes', reader.get(refs.nodes, '', name))) } }
  const [group, version] = apiVersion.includes('/') ? apiVersion.split('/') : ['', apiVersion]
  throw statusError.badRequest(`cannot bind token to object of type ${group}/${version}, Kind=${kind}`)
}
