import type { Scope } from '#base'
import { type FieldError, type KubeObject, Path, type resource, deepEqual, fieldError, refs } from '#api'
import { refusal } from '../auth/authorize/authorize.ts'
import type { AccessQuestion, AdmissionRequest, Authorizer, ObjectReader } from '../contract.ts'
import type { RegistryHook } from '../registry/core.ts'

const GROUP = 'resource.k8s.io'
const ADMIN_LABEL = 'resource.kubernetes.io/admin-access'
const NODE_NAME = 'authentication.kubernetes.io/node-name'
type Claim = resource.ResourceClaim
type ClaimStatus = NonNullable<Claim['status']>

/** What is wrong with claims for devices and their templates, and takes more than the object to know. */
export function deviceClaimHooks(reader: ObjectReader, authorizer: Authorizer): Readonly<Record<string, RegistryHook>> {
  return {
    [`resourceclaims.${GROUP}`]: {
      async causes(scope, request) {
        if (request.old === undefined) return adminErrors(reader, request, adminRequest(request.object))
        if (request.subresource !== 'status') return []
        const { status: next = {} } = request.object as Claim
        const { status: before = {} } = request.old as Claim
        return [
          ...adminErrors(reader, request, newAdminResult(next, before)),
          ...(await bindingErrors(scope, authorizer, request, next, before)),
          ...(next.allocation === undefined ? [] : await driverErrors(scope, authorizer, request, next, before)),
        ]
      },
    },
    [`resourceclaimtemplates.${GROUP}`]: {
      causes: (_scope, request) => (request.old === undefined ? adminErrors(reader, request, adminRequest(request.object)) : []),
    },
  }
}

/** Devices may be used past everybody else's claims only from a namespace that is labelled for it. */
function adminErrors(reader: ObjectReader, { namespace }: AdmissionRequest, asked: Path | undefined): readonly FieldError[] {
  if (asked === undefined || reader.get(refs.namespaces, '', namespace)?.metadata?.labels?.[ADMIN_LABEL] === 'true') return []
  const why = `admin access to devices requires the \`${ADMIN_LABEL}: true\` label on the containing namespace`
  return [fieldError.forbidden(asked, why)]
}

/** In the spec of a claim, or of a template for claims. */
function adminRequest(object: KubeObject | undefined): Path | undefined {
  const { spec } = object as Partial<Claim | resource.ResourceClaimTemplate>
  const claimed = spec !== undefined && 'spec' in spec ? spec.spec : spec
  const at = claimed?.devices?.requests?.findIndex(({ exactly }) => exactly?.adminAccess === true) ?? -1
  return at === -1 ? undefined : Path.of('spec', 'devices', 'requests').index(at).child('adminAccess')
}

function newAdminResult(status: ClaimStatus, old: ClaimStatus): Path | undefined {
  const firstOf = (of: ClaimStatus): number => of.allocation?.devices?.results?.findIndex(({ adminAccess }) => adminAccess === true) ?? -1
  const at = firstOf(status)
  if (at === -1 || firstOf(old) !== -1) return undefined
  return Path.of('status', 'allocation', 'devices', 'results').index(at).child('adminAccess')
}

/** Parts of a claim's status have owners: whoever binds claims, and the drivers, each for its own devices. */
async function bindingErrors(
  scope: Scope,
  authorizer: Authorizer,
  request: AdmissionRequest,
  next: ClaimStatus,
  before: ClaimStatus,
): Promise<FieldError[]> {
  if (deepEqual(next.allocation, before.allocation) && deepEqual(next.reservedFor ?? [], before.reservedFor ?? [])) return []
  const verb = verbOf(request)
  const refused = await mayNot(scope, authorizer, { ...questionOf(request), verb, subresource: 'binding', namespace: '', name: '' })
  if (refused === undefined) return []
  const what = `changing status.allocation or status.reservedFor requires resource="resourceclaims/binding", verb="${verb}" permission: ${refused}`
  return [fieldError.forbidden(Path.of('status', 'allocation'), what)]
}

async function driverErrors(
  scope: Scope,
  authorizer: Authorizer,
  request: AdmissionRequest,
  next: ClaimStatus,
  before: ClaimStatus,
): Promise<FieldError[]> {
  const errors: FieldError[] = []
  const verb = verbOf(request)
  const isThere = isOnNode(request, nodeOf(next.allocation))
  const verbs = [...(isThere ? [`associated-node:${verb}`] : []), `arbitrary-node:${verb}`]
  for (const driver of changedDrivers(next.devices ?? [], before.devices ?? [])) {
    let refused: string | undefined
    for (const one of verbs) {
      const question = { ...questionOf(request), verb: one, subresource: 'driver', namespace: request.namespace, name: driver }
      const why = await mayNot(scope, authorizer, question)
      if (why === undefined) {
        refused = undefined
        break
      }
      refused ??= why
    }
    if (refused === undefined) continue
    const what = `changing status.devices requires resource="resourceclaims/driver", verb="[${verbs.join(' ')}]" permission: ${refused}`
    errors.push(fieldError.forbidden(Path.of('status', 'devices'), what))
  }
  return errors
}

type Devices = readonly resource.AllocatedDeviceStatus[]

/** Drivers whose entries were added, changed or taken away, in order of their names. */
function changedDrivers(next: Devices, before: Devices): string[] {
  const differing = (some: Devices, others: Devices): string[] =>
    some.filter((device) => !others.some((other) => deepEqual(device, other))).map(({ driver }) => driver)
  return [...new Set([...differing(next, before), ...differing(before, next)])].sort()
}

/** The one node of an allocation that is bound to one by name. */
function nodeOf(allocation: resource.AllocationResult | undefined): string | undefined {
  const terms = allocation?.nodeSelector?.nodeSelectorTerms ?? []
  const [term] = terms
  if (term === undefined || terms.length !== 1 || (term.matchExpressions ?? []).length > 0 || term.matchFields?.length !== 1)
    return undefined
  const [field] = term.matchFields
  return field?.key === 'metadata.name' && field.operator === 'In' && field.values?.length === 1 ? field.values[0] : undefined
}

/** Whether the sender is a service account whose token was made for a pod on this node. */
function isOnNode({ user }: AdmissionRequest, node: string | undefined): boolean {
  const names = user.extra[NODE_NAME] ?? []
  return node !== undefined && user.name.startsWith('system:serviceaccount:') && names.length === 1 && names[0] === node
}

const verbOf = ({ options }: AdmissionRequest): string => (options['kind'] === 'PatchOptions' ? 'patch' : 'update')

const questionOf = ({ user }: AdmissionRequest): Omit<AccessQuestion, 'verb' | 'subresource' | 'namespace' | 'name'> => ({
  user,
  isResource: true,
  group: GROUP,
  version: 'v1',
  resource: 'resourceclaims',
  path: '',
})

async function mayNot(scope: Scope, authorizer: Authorizer, question: AccessQuestion): Promise<string | undefined> {
  const decision = await authorizer.authorize(scope, question)
  return decision.kind === 'allow' ? undefined : refusal(question, decision.reason).message
}
