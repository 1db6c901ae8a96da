import { defineResource } from '../../define.ts'
import * as refs from '../../refs.gen.ts'
import type { Resource } from '../../resource.ts'

/** Answered, never stored: the API server has the answers. */
export const authorizationResources = [
  defineResource(refs.localsubjectaccessreviews, {}),
  defineResource(refs.selfsubjectaccessreviews, {}),
  defineResource(refs.selfsubjectrulesreviews, {}),
  defineResource(refs.subjectaccessreviews, {}),
] as unknown as readonly Resource[]
