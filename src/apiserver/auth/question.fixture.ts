import type { AccessQuestion, UserInfo } from '../contract.ts'

/** Whether the user may get pods in namespace `a`, or what is said otherwise. */
export const questionOf = (user: UserInfo, otherwise: Partial<AccessQuestion> = {}): AccessQuestion => ({
  user,
  verb: 'get',
  isResource: true,
  group: '',
  version: 'v1',
  resource: 'pods',
  subresource: '',
  namespace: 'a',
  name: '',
  path: '',
  ...otherwise,
})
