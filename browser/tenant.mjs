// Who asks: a tenant with both tokens.

export class Tenant {
  constructor(name, dataToken, actionToken) {
    Object.assign(this, { name, dataToken, actionToken });
  }
}

/** The demo's tenant, from its introduction. */
export function demoTenant(told) {
  const of = (label) => new RegExp(`^ +${label} +(\\S+)`, "m").exec(told)[1];
  return new Tenant(of("Tenant"), of("Data Request Token"), of("Action Request Token"));
}
