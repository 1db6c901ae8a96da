import type { rbac } from '#api'
import type { AccessQuestion, Authorizer, Decision, ObjectReader } from '../../contract.ts'
import { compileRule } from '../rbac/rules.ts'
import { nodeIdentity } from '../users.ts'
import { ALLOW, NO_OPINION, noOpinion } from './authorize.ts'
import { type NodeRelations, nodeRelations } from './node-relations.ts'

const LEASE_NAMESPACE = 'kube-node-lease'

/**
 * Nodes (`system:node:NAME` in `system:nodes`) may do what their agent needs, for themselves and the pods bound to them. What this
 * file decides by object stands in the table; for the rest the rules of the role `system:node` hold.
 */
export function nodeAuthorizer(reader: ObjectReader, nodeRules: readonly rbac.PolicyRule[]): Authorizer {
  const relations = nodeRelations(reader)
  const rules = nodeRules.map(compileRule)
  return {
    name: 'node',
    authorize(_scope, question) {
      const node = nodeIdentity(question.user)
      if (node === undefined) return NO_OPINION
      if (node === '') return noOpinion(`unknown node for user ${JSON.stringify(question.user.name)}`)
      const decide = question.isResource ? DECISIONS.get(`${question.group}/${question.resource}`) : undefined
      if (decide !== undefined) return decide(node, question, relations)
      return rules.some((rule) => rule.allows(question)) ? ALLOW : NO_OPINION
    },
  }
}

type Decide = (node: string, question: AccessQuestion, relations: NodeRelations) => Decision

const DECISIONS: ReadonlyMap<string, Decide> = new Map<string, Decide>([
  ['/secrets', readOne((relations, node, { namespace, name }) => relations.secret(node, namespace, name))],
  ['/configmaps', readOne((relations, node, { namespace, name }) => relations.configMap(node, namespace, name))],
  ['/persistentvolumeclaims', decideClaim],
  ['/persistentvolumes', getOne((relations, node, { name }) => relations.volume(node, name))],
  ['resource.k8s.io/resourceclaims', getOne((relations, node, { namespace, name }) => relations.resourceClaim(node, namespace, name))],
  ['storage.k8s.io/volumeattachments', getOne((relations, node, { name }) => relations.attachment(node, name))],
  ['/serviceaccounts', decideToken],
  ['coordination.k8s.io/leases', decideLease],
  ['storage.k8s.io/csinodes', decideCsiNode],
  ['resource.k8s.io/resourceslices', decideResourceSlice],
  ['/nodes', decideNode],
  ['/pods', decidePod],
])

type IsRelated = (relations: NodeRelations, node: string, question: AccessQuestion) => boolean

function related(node: string, question: AccessQuestion, relations: NodeRelations, isRelated: IsRelated): Decision {
  if (question.name === '') return noOpinion('No Object name found')
  return isRelated(relations, node, question) ? ALLOW : noOpinion(`no relationship found between node '${node}' and this object`)
}

/** get, list and watch of a single object. */
function readOne(isRelated: IsRelated): Decide {
  return (node, question, relations) => {
    if (!['get', 'list', 'watch'].includes(question.verb)) return noOpinion('can only read resources of this type')
    if (question.subresource !== '') return noOpinion('cannot read subresource')
    if (question.namespace === '') return noOpinion('can only read namespaced object of this type')
    return related(node, question, relations, isRelated)
  }
}

function getOne(isRelated: IsRelated): Decide {
  return (node, question, relations) => {
    if (question.verb !== 'get') return noOpinion('can only get individual resources of this type')
    if (question.subresource !== '') return noOpinion('cannot get subresource')
    return related(node, question, relations, isRelated)
  }
}

function decideClaim(node: string, question: AccessQuestion, relations: NodeRelations): Decision {
  const isRelated: IsRelated = (all, one, { namespace, name }) => all.claim(one, namespace, name)
  if (question.subresource !== 'status') return getOne(isRelated)(node, question, relations)
  if (!['update', 'patch'].includes(question.verb)) return noOpinion('can only get/update/patch this type')
  return related(node, question, relations, isRelated)
}

function decideToken(node: string, question: AccessQuestion, relations: NodeRelations): Decision {
  if (question.verb !== 'create' || question.name === '') return noOpinion('can only create tokens for individual service accounts')
  if (question.subresource !== 'token') return noOpinion('can only create token subresource of serviceaccount')
  return related(node, question, relations, (all, one, { namespace, name }) => all.serviceAccount(one, namespace, name))
}

const ONE_OBJECT_VERBS: readonly string[] = ['get', 'create', 'update', 'patch', 'delete']

/** The name is not known yet on create: admission looks at it. */
function decideLease(node: string, { verb, namespace, name }: AccessQuestion): Decision {
  if (!ONE_OBJECT_VERBS.includes(verb)) return noOpinion('can only get, create, update, patch, or delete a node lease')
  if (namespace !== LEASE_NAMESPACE) return noOpinion(`can only access leases in the "${LEASE_NAMESPACE}" system namespace`)
  if (verb !== 'create' && name !== node) return noOpinion('can only access node lease with the same name as the requesting node')
  return ALLOW
}

function decideCsiNode(node: string, { verb, subresource, name }: AccessQuestion): Decision {
  if (!ONE_OBJECT_VERBS.includes(verb)) return noOpinion('can only get, create, update, patch, or delete a CSINode')
  if (subresource !== '') return noOpinion('cannot authorize CSINode subresources')
  if (verb !== 'create' && name !== node) return noOpinion('can only access CSINode with the same name as the requesting node')
  return ALLOW
}

function decideResourceSlice(node: string, question: AccessQuestion, relations: NodeRelations): Decision {
  const { verb, subresource, fieldSelector } = question
  if (subresource !== '') return noOpinion('cannot authorize ResourceSlice subresources')
  if (verb === 'create') return ALLOW
  if (['get', 'update', 'patch', 'delete'].includes(verb))
    return related(node, question, relations, (all, one, { name }) => all.resourceSlice(one, name))
  if (['watch', 'list', 'deletecollection'].includes(verb)) {
    if (selects(fieldSelector, 'spec.nodeName', node)) return ALLOW
    return noOpinion('can only list/watch/deletecollection resourceslices with nodeName field selector')
  }
  return noOpinion(
    'only the following verbs are allowed for a ResourceSlice: get, watch, list, create, update, patch, delete, deletecollection',
  )
}

function decideNode(node: string, { verb, subresource, name }: AccessQuestion): Decision {
  if (subresource === '' && ['create', 'update', 'patch'].includes(verb)) return ALLOW
  if (subresource === 'status' && ['update', 'patch'].includes(verb)) return ALLOW
  if (subresource !== '' || !['get', 'list', 'watch'].includes(verb)) return NO_OPINION
  if (name === node) return ALLOW
  return noOpinion(
    name === ''
      ? `node '${node}' cannot read all nodes, only its own Node object`
      : `node '${node}' cannot read '${name}', only its own Node object`,
  )
}

function decidePod(node: string, question: AccessQuestion, relations: NodeRelations): Decision {
  const { verb, subresource, name, fieldSelector } = question
  const isRelated: IsRelated = (all, one, asked) => all.pod(one, asked.namespace, asked.name)
  if (subresource === 'status') return ['update', 'patch'].includes(verb) ? ALLOW : NO_OPINION
  if (subresource === 'eviction') return verb === 'create' ? ALLOW : NO_OPINION
  if (subresource !== '') return NO_OPINION
  if (verb === 'create' || verb === 'delete') return ALLOW
  if (verb === 'get') return related(node, question, relations, isRelated)
  if (verb !== 'list' && verb !== 'watch') return NO_OPINION
  if (selects(fieldSelector, 'spec.nodeName', node)) return ALLOW
  if (name !== '') return related(node, question, relations, isRelated)
  return noOpinion('can only list/watch pods with spec.nodeName field selector')
}

/** Whether a field selector demands this value of the field. */
function selects(selector: string | undefined, field: string, value: string): boolean {
  return (selector ?? '').split(',').some((part) => {
    const match = /^\s*([^=!\s]+)\s*==?\s*(.*?)\s*$/.exec(part)
    return match?.[1] === field && match[2] === value
  })
}
