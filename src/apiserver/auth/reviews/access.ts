import type { Scope } from '#base'
import { type KubeObject, type ResourceRef, type authorization, refs } from '#api'
import type { AccessQuestion, Authorizer, UserInfo, VirtualRequest, VirtualResource } from '../../contract.ts'
import { errorOf } from '../authorize/authorize.ts'
import { type ReviewRules, validateAccessReview } from './access-validation.ts'
import { askedSelector } from './asked-selector.ts'

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
        status: await answer(scope, authorizer, user, asked.spec),
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

async function answer(
  scope: Scope,
  authorizer: Authorizer,
  user: UserInfo,
  asked: Attributes,
): Promise<authorization.SubjectAccessReviewStatus> {
  const fields = askedSelector('fieldSelector', asked.resourceAttributes?.fieldSelector)
  const labels = askedSelector('labelSelector', asked.resourceAttributes?.labelSelector)
  const decision = await authorizer.authorize(scope, questionOf(user, asked, fields.text, labels.text))
  const { kind, reason } = decision
  const errors = [errorOf(decision), fields.problem, labels.problem].filter((error) => error !== undefined)
  return {
    allowed: kind === 'allow',
    ...(kind === 'deny' ? { denied: true } : {}),
    ...(reason === '' ? {} : { reason }),
    ...(errors.length === 0 ? {} : { evaluationError: errors.join('; ') }),
  }
}

function subjectOf({ user = '', uid, groups, extra }: authorization.SubjectAccessReviewSpec): UserInfo {
  const lowered = Object.entries(extra ?? {}).map(([key, values]) => [key.toLowerCase(), values ?? []])
  return { name: user, ...(uid ? { uid } : {}), groups: groups ?? [], extra: Object.fromEntries(lowered) }
}

function questionOf(
  user: UserInfo,
  { resourceAttributes, nonResourceAttributes }: Attributes,
  fieldSelector: string | undefined,
  labelSelector: string | undefined,
): AccessQuestion {
  if (resourceAttributes === undefined) {
    const { path = '', verb = '' } = nonResourceAttributes ?? {}
    return { user, verb, isResource: false, group: '', version: '', resource: '', subresource: '', namespace: '', name: '', path }
  }
  const { verb = '', group = '', version = '', resource = '', subresource = '', namespace = '', name = '' } = resourceAttributes
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
