// Prints Layout.g.cs: the structures of the installed MuJoCo as C#, each field at the offset at which the compiler puts it, and the
// numbers of those of its enumerations that are used here. `make layout` runs it; a test compares what it prints with what is there.
#include <mujoco/mujoco.h>
#include <mujoco/mjxmacro.h>
#include <stddef.h>
#include <stdio.h>

// The C# name of the type that a pointer points to, or that an array holds.
#define ELEMENT(pointer) _Generic((pointer), \
    double*: "double", float*: "float", int*: "int", unsigned*: "uint", unsigned char*: "byte", char*: "byte", void**: "void*", \
    mjContact*: "MjContact", mjWarningStat*: "MjWarningStat", mjTimerStat*: "MjTimerStat", mjSolverStat*: "MjSolverStat", \
    mjvGeom*: "MjvGeom", mjvLight*: "MjvLight", mjvGLCamera*: "MjvGLCamera", mjOption*: "MjOption", mjVisual*: "MjVisual", \
    mjStatistic*: "MjStatistic", default: "void")

#define AT(field) printf("    [FieldOffset(%zu)] public ", offsetof(S, field))
#define COUNT(field) (sizeof(((S*)0)->field) / sizeof(((S*)0)->field[0]))
#define ONE(field) (AT(field), printf("%s %s;\n", ELEMENT(&((S*)0)->field), name(#field)))
#define PTR(field) (AT(field), printf("%s* %s;\n", ELEMENT(((S*)0)->field), name(#field)))
#define ARR(field) (AT(field), printf("fixed %s %s[%zu];\n", ELEMENT(&((S*)0)->field[0]), name(#field), COUNT(field)))
#define STRUCTS(field) (AT(field), printf("%sBlock%zu %s;\n", ELEMENT(&((S*)0)->field[0]), COUNT(field), name(#field)))
#define BEGIN(csharp) printf("\n[StructLayout(LayoutKind.Explicit, Size = %zu)]\ninternal unsafe struct " csharp "\n{\n", sizeof(S))
#define END() printf("}\n")
#define BLOCK(csharp, n) \
    printf("\n[InlineArray(%d)]\ninternal struct " csharp "Block%d\n{\n    private " csharp " first;\n}\n", (int)(n), (int)(n))
#define CONSTANT(value) printf("    public const int %s = %d;\n", #value + 2, (int)(value))

// global.offwidth -> global_offwidth
static const char* name(const char* field) {
    static char text[100];
    snprintf(text, sizeof text, "%s", field);
    for (char* c = text; *c; c++)
        if (*c == '.') *c = '_';
    return text;
}

static void option(void) {
#define S mjOption
    BEGIN("MjOption");
#define X(type, field) ONE(field);
    MJOPTION_SCALARS
#undef X
#define X(field, n) ARR(field);
    MJOPTION_VECTORS
#undef X
    END();
#undef S
#define S mjStatistic
    BEGIN("MjStatistic");
    ONE(meaninertia); ONE(meanmass); ONE(meansize); ONE(extent); ARR(center);
    END();
#undef S
#define S mjVisual
    BEGIN("MjVisual");
    ONE(global.fovy); ONE(global.ipd); ONE(global.azimuth); ONE(global.elevation); ONE(global.linewidth); ONE(global.glow);
    ONE(global.offwidth); ONE(global.offheight);
    ONE(quality.shadowsize); ONE(quality.offsamples); ONE(quality.numslices); ONE(quality.numstacks); ONE(quality.numquads);
    ARR(headlight.ambient); ARR(headlight.diffuse); ARR(headlight.specular); ONE(headlight.active);
    ONE(map.stiffness); ONE(map.stiffnessrot); ONE(map.force); ONE(map.torque); ONE(map.alpha); ONE(map.fogstart); ONE(map.fogend);
    ONE(map.znear); ONE(map.zfar); ONE(map.haze); ONE(map.shadowclip); ONE(map.shadowscale); ONE(map.actuatortendon);
    END();
#undef S
}

static void model(void) {
#define S mjModel
    BEGIN("MjModel");
#define X(field) ONE(field);
    MJMODEL_INTS
#undef X
    ONE(opt); ONE(vis); ONE(stat); PTR(buffer);
#define X(type, field, rows, columns) PTR(field);
    MJMODEL_POINTERS
#undef X
    END();
#undef S
}

static void data(void) {
#define S mjContact
    BEGIN("MjContact");
    ONE(dist); ARR(pos); ARR(frame); ONE(includemargin); ARR(friction); ARR(solref); ARR(solimp); ONE(mu); ARR(H);
    ONE(dim); ONE(geom1); ONE(geom2); ONE(exclude); ONE(efc_address);
    END();
#undef S
#define S mjWarningStat
    BEGIN("MjWarningStat");
    ONE(lastinfo); ONE(number);
    END();
    BLOCK("MjWarningStat", mjNWARNING);
#undef S
#define S mjTimerStat
    BEGIN("MjTimerStat");
    ONE(duration); ONE(number);
    END();
    BLOCK("MjTimerStat", mjNTIMER);
#undef S
#define S mjSolverStat
    BEGIN("MjSolverStat");
    ONE(improvement); ONE(gradient); ONE(lineslope); ONE(nactive); ONE(nchange); ONE(neval); ONE(nupdate);
    END();
    BLOCK("MjSolverStat", mjNSOLVER);
#undef S
#define S mjData
    BEGIN("MjData");
#define X(type, field) ONE(field);
    MJDATA_SCALAR
#undef X
    STRUCTS(warning); STRUCTS(timer); STRUCTS(solver); ARR(solver_fwdinv); ARR(energy); PTR(buffer); PTR(stack);
#define X(type, field, rows, columns) PTR(field);
    MJDATA_POINTERS
#undef X
    END();
#undef S
}

static void files(void) {
#define S mjVFS
    BEGIN("MjVFS");
    ONE(nfile); AT(filesize); printf("fixed int filesize[%d];\n", mjMAXVFS);
    AT(filedata); printf("void* filedata; // of %d\n", mjMAXVFS);
    END();
#undef S
}

static void pictures(void) {
#define S mjvPerturb
    BEGIN("MjvPerturb");
    ONE(select); ONE(skinselect); ONE(active); ONE(active2); ARR(refpos); ARR(refquat); ARR(localpos); ONE(scale);
    END();
#undef S
#define S mjvCamera
    BEGIN("MjvCamera");
    ONE(type); ONE(fixedcamid); ONE(trackbodyid); ARR(lookat); ONE(distance); ONE(azimuth); ONE(elevation);
    END();
#undef S
#define S mjvGLCamera
    BEGIN("MjvGLCamera");
    ARR(pos); ARR(forward); ARR(up);
    ONE(frustum_center); ONE(frustum_bottom); ONE(frustum_top); ONE(frustum_near); ONE(frustum_far);
    END();
    BLOCK("MjvGLCamera", 2);
#undef S
#define S mjvGeom
    BEGIN("MjvGeom");
    ONE(type); ONE(dataid); ONE(objtype); ONE(objid); ONE(category); ONE(texid); ONE(texuniform); ONE(texcoord); ONE(segid);
    ARR(texrepeat); ARR(size); ARR(pos); ARR(mat); ARR(rgba); ONE(emission); ONE(specular); ONE(shininess); ONE(reflectance);
    ARR(label); ONE(camdist); ONE(modelrbound); ONE(transparent);
    END();
#undef S
#define S mjvLight
    BEGIN("MjvLight");
    ARR(pos); ARR(dir); ARR(attenuation); ONE(cutoff); ONE(exponent); ARR(ambient); ARR(diffuse); ARR(specular);
    ONE(headlight); ONE(directional); ONE(castshadow);
    END();
    BLOCK("MjvLight", mjMAXLIGHT);
#undef S
#define S mjvOption
    BEGIN("MjvOption");
    ONE(label); ONE(frame); ARR(geomgroup); ARR(sitegroup); ARR(jointgroup); ARR(tendongroup); ARR(actuatorgroup); ARR(skingroup);
    ARR(flags);
    END();
#undef S
#define S mjvScene
    BEGIN("MjvScene");
    ONE(maxgeom); ONE(ngeom); PTR(geoms); PTR(geomorder);
    ONE(nskin); PTR(skinfacenum); PTR(skinvertadr); PTR(skinvertnum); PTR(skinvert); PTR(skinnormal);
    ONE(nlight); STRUCTS(lights); STRUCTS(camera);
    ONE(enabletransform); ARR(translate); ARR(rotate); ONE(scale); ONE(stereo); ARR(flags); ONE(framewidth); ARR(framergb);
    END();
#undef S
}

static void drawing(void) {
#define S mjrRect
    BEGIN("MjrRect");
    ONE(left); ONE(bottom); ONE(width); ONE(height);
    END();
#undef S
#define S mjrContext
    BEGIN("MjrContext");
    ONE(lineWidth); ONE(shadowClip); ONE(shadowScale); ONE(fogStart); ONE(fogEnd); ARR(fogRGBA);
    ONE(shadowSize); ONE(offWidth); ONE(offHeight); ONE(offSamples); ONE(fontScale); ARR(auxWidth); ARR(auxHeight); ARR(auxSamples);
    ONE(offFBO); ONE(offFBO_r); ONE(offColor); ONE(offColor_r); ONE(offDepthStencil); ONE(offDepthStencil_r);
    ONE(shadowFBO); ONE(shadowTex); ARR(auxFBO); ARR(auxFBO_r); ARR(auxColor); ARR(auxColor_r);
    ONE(ntexture); ARR(textureType); ARR(texture);
    ONE(basePlane); ONE(baseMesh); ONE(baseHField); ONE(baseBuiltin); ONE(baseFontNormal); ONE(baseFontShadow); ONE(baseFontBig);
    ONE(rangePlane); ONE(rangeMesh); ONE(rangeHField); ONE(rangeBuiltin); ONE(rangeFont);
    ONE(nskin); PTR(skinvertVBO); PTR(skinnormalVBO); PTR(skintexcoordVBO); PTR(skinfaceVBO);
    ARR(charWidth); ARR(charWidthBig); ONE(charHeight); ONE(charHeightBig);
    ONE(glInitialized); ONE(windowAvailable); ONE(windowSamples); ONE(windowStereo); ONE(windowDoublebuffer); ONE(currentBuffer);
    END();
#undef S
}

static void constants(void) {
    printf("\n/// <summary>Numbers of MuJoCo's enumerations, without their prefix mj.</summary>\ninternal static class MjConstants\n{\n");
    CONSTANT(mjVERSION_HEADER);
    CONSTANT(mjMAXVFS); CONSTANT(mjMAXVFSNAME);
    CONSTANT(mjOBJ_BODY); CONSTANT(mjOBJ_JOINT); CONSTANT(mjOBJ_GEOM); CONSTANT(mjOBJ_SITE); CONSTANT(mjOBJ_CAMERA);
    CONSTANT(mjOBJ_LIGHT); CONSTANT(mjOBJ_ACTUATOR);
    CONSTANT(mjWARN_INERTIA); CONSTANT(mjWARN_CONTACTFULL); CONSTANT(mjWARN_CNSTRFULL); CONSTANT(mjWARN_VGEOMFULL);
    CONSTANT(mjWARN_BADQPOS); CONSTANT(mjWARN_BADQVEL); CONSTANT(mjWARN_BADQACC); CONSTANT(mjWARN_BADCTRL);
    CONSTANT(mjGEOM_PLANE); CONSTANT(mjGEOM_SPHERE); CONSTANT(mjGEOM_CAPSULE); CONSTANT(mjGEOM_ELLIPSOID); CONSTANT(mjGEOM_CYLINDER);
    CONSTANT(mjGEOM_BOX); CONSTANT(mjGEOM_MESH);
    CONSTANT(mjCAMERA_FREE); CONSTANT(mjCAMERA_TRACKING); CONSTANT(mjCAMERA_FIXED); CONSTANT(mjCAMERA_USER);
    CONSTANT(mjCAT_STATIC); CONSTANT(mjCAT_DYNAMIC); CONSTANT(mjCAT_DECOR); CONSTANT(mjCAT_ALL);
    CONSTANT(mjRND_SHADOW); CONSTANT(mjRND_WIREFRAME); CONSTANT(mjRND_REFLECTION); CONSTANT(mjRND_ADDITIVE); CONSTANT(mjRND_SKYBOX);
    CONSTANT(mjRND_FOG); CONSTANT(mjRND_HAZE); CONSTANT(mjRND_SEGMENT); CONSTANT(mjRND_IDCOLOR); CONSTANT(mjRND_CULL_FACE);
    CONSTANT(mjFB_WINDOW); CONSTANT(mjFB_OFFSCREEN);
    CONSTANT(mjFONTSCALE_50); CONSTANT(mjFONTSCALE_100);
    END();
}

int main(void) {
    printf(
        "// <auto-generated>\n"
        "// The structures of MuJoCo %s, printed by layout.c: `make layout` writes it again.\n"
        "// </auto-generated>\n"
        "using System.Runtime.CompilerServices;\n"
        "using System.Runtime.InteropServices;\n\n"
        "#pragma warning disable CS0649, CS0169, IDE0051, IDE0044\n\n"
        "namespace Hem.Trainer.MuJoCo;\n",
        mj_versionString());
    option(); model(); data(); files(); pictures(); drawing(); constants();
    return 0;
}
