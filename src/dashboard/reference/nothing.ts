// Redoc names an optional dependency "null", which is not there.
export default {};
