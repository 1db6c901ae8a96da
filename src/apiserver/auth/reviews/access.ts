import type { Scope } from '#base'
import { type KubeObject, type ResourceRef, type authorization, refs } from '#api'
import type { AccessQuestion, Authorizer, UserInfo, VirtualRequest, VirtualResource } from '../../contract.ts'
import { errorOf } from '../authorize/authorize.ts'
import { type ReviewRules, validateAccessReview } from './access-validation.ts'

type Attributes = Pick<authorization.SubjectAccessReviewSpec, 'resourceAttributes' | 'nonResourceAttributes'>

/** The reviews that ask whether somebody may do something. */
export function accessReviews(authorizer: Authorizer): readonly VirtualResource[] {
  const review = (ref: ResourceRef, rules: (request: VirtualRequest) => ReviewRules, asSender: boolean): VirtualResource => ({
    ref,
    async create(scope, request, object) {
      const asked = object as authorization.SubjectAccessReview
      const rule = rules(request)
      validateAccessReview(asked, rule)
      const user = asSender ? request.user : subjectOf(asked.spec)
      const { namespace } = rule
      return {
        kind: ref.kind,
        apiVersion: 'authorization.k8s.io/v1',
        metadata: { ...(namespace === undefined ? {} : { namespace }), ...ownedFields(object) },
        spec: asked.spec,
        status: await answer(scope, authorizer, questionOf(user, asked.spec)),
      } as KubeObject
    },
  })
  return [
    review(refs.selfsubjectaccessreviews, () => ({ subject: false }), true),
    review(refs.subjectaccessreviews, () => ({ subject: true }), false),
    review(refs.localsubjectaccessreviews, ({ namespace }) => ({ subject: true, namespace }), false),
  ]
}

/** Who filled in which field; the answer carries it like that of any other write. */
export function ownedFields({ metadata }: KubeObject): Pick<NonNullable<KubeObject['metadata']>, 'managedFields'> {
  return metadata?.managedFields === undefined ? {} : { managedFields: metadata.managedFields }
}

async function answer(scope: Scope, authorizer: Authorizer, question: AccessQuestion): Promise<authorization.SubjectAccessReviewStatus> {
  const decision = await authorizer.authorize(scope, question)
  const { kind, reason } = decision
  const evaluationError = errorOf(decision)
  return {
    allowed: kind === 'allow',
    ...(kind === 'deny' ? { denied: true } : {}),
    ...(reason === '' ? {} : { reason }),
    ...(evaluationError === undefined ? {} : { evaluationError }),
  }
}

function subjectOf({ user = '', uid, groups, extra }: authorization.SubjectAccessReviewSpec): UserInfo {
  const lowered = Object.entries(extra ?? {}).map(([key, values]) => [key.toLowerCase(), values ?? []])
  return { name: user, ...(uid ? { uid } : {}), groups: groups ?? [], extra: Object.fromEntries(lowered) }
}

function questionOf(user: UserInfo, { resourceAttributes, nonResourceAttributes }: Attributes): AccessQuestion {
  if (resourceAttributes === undefined) {
    const { path = '', verb = '' } = nonResourceAttributes ?? {}
    return { user, verb, isResource: false, group: '', version: '', resource: '', subresource: '', namespace: '', name: '', path }
  }
  const { verb = '', group = '', version = '', resource = '', subresource = '', namespace = '', name = '' } = resourceAttributes
  const fieldSelector = selectorText(resourceAttributes.fieldSelector)
  const labelSelector = selectorText(resourceAttributes.labelSelector)
  return {
    user,
    verb,
    isResource: true,
    group,
    version,
    resource,
    subresource,
    namespace,
    name,
    path: '',
    ...(fieldSelector === undefined ? {} : { fieldSelector }),
    ...(labelSelector === undefined ? {} : { labelSelector }),
  }
}

/** Requirements that cannot be written as text are left out: the question is then about more objects, never about fewer. */
function selectorText(
  selector: authorization.FieldSelectorAttributes | authorization.LabelSelectorAttributes | undefined,
): string | undefined {
  if (selector === undefined) return undefined
  if (selector.rawSelector) return selector.rawSelector
  const parts = (selector.requirements ?? []).flatMap(({ key, operator, values }) => {
    if (values?.length === 1 && operator === 'In') return [`${key}=${values[0]}`]
    if (values?.length === 1 && operator === 'NotIn') return [`${key}!=${values[0]}`]
    return []
  })
  return parts.length === 0 ? undefined : parts.join(',')
}
