// The plain C loop that bench-render compares with: draws a scene into memory by EGL, with nothing between MuJoCo and the loop.
//     render_loop SCENE.xml SIZE    then on standard input, a line each: frames to draw; answers: seconds, checksum of the last frame
#include <EGL/egl.h>
#include <EGL/eglext.h>
#include <math.h>
#include <mujoco/mujoco.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static void fail(const char* what) {
    fprintf(stderr, "render_loop: %s\n", what);
    exit(1);
}

static void make_context(void) {
    static const EGLint wanted[] = {EGL_SURFACE_TYPE, EGL_PBUFFER_BIT, EGL_RENDERABLE_TYPE, EGL_OPENGL_BIT, EGL_RED_SIZE, 8,
                                    EGL_GREEN_SIZE, 8, EGL_BLUE_SIZE, 8, EGL_DEPTH_SIZE, 24, EGL_NONE};
    static const EGLint small[] = {EGL_WIDTH, 4, EGL_HEIGHT, 4, EGL_NONE};
    setenv("LIBGL_ALWAYS_SOFTWARE", "true", 0);
    setenv("LP_NUM_THREADS", "0", 0);
    setenv("MESA_SHADER_CACHE_DISABLE", "true", 0);
    PFNEGLGETPLATFORMDISPLAYEXTPROC get_display = (PFNEGLGETPLATFORMDISPLAYEXTPROC)eglGetProcAddress("eglGetPlatformDisplayEXT");
    if (!get_display) fail("no eglGetPlatformDisplayEXT");
    EGLDisplay display = get_display(EGL_PLATFORM_SURFACELESS_MESA, EGL_DEFAULT_DISPLAY, NULL);
    EGLConfig config;
    EGLint count = 0;
    if (!eglInitialize(display, NULL, NULL) || !eglChooseConfig(display, wanted, &config, 1, &count) || !count) fail("no EGL");
    eglBindAPI(EGL_OPENGL_API);
    EGLSurface surface = eglCreatePbufferSurface(display, config, small);
    EGLContext context = eglCreateContext(display, config, EGL_NO_CONTEXT, NULL);
    if (!eglMakeCurrent(display, surface, surface, context)) fail("no OpenGL context");
}

int main(int argc, char** argv) {
    char error[1000] = "";
    if (argc != 3) fail("usage: render_loop SCENE.xml SIZE");
    int size = atoi(argv[2]);
    make_context();
    mjModel* model = mj_loadXML(argv[1], NULL, error, sizeof error);
    if (!model) fail(error);
    mjData* data = mj_makeData(model);
    mj_forward(model, data);
    model->vis.global.offwidth = model->vis.global.offheight = size;
    model->vis.quality.offsamples = 0;
    model->vis.quality.shadowsize = 0;

    mjvOption option;
    mjvCamera camera;
    mjvScene scene;
    mjrContext context;
    mjv_defaultOption(&option);
    for (int i = 0; i < mjNGROUP; i++) option.sitegroup[i] = 0;
    mjv_defaultCamera(&camera);
    camera.type = mjCAMERA_FIXED;
    camera.fixedcamid = mj_name2id(model, mjOBJ_CAMERA, "agent");
    if (camera.fixedcamid < 0) fail("the scene has no camera named agent");
    mjv_defaultScene(&scene);
    mjv_makeScene(model, &scene, 1000);
    scene.flags[mjRND_SHADOW] = scene.flags[mjRND_REFLECTION] = 0;
    mjr_defaultContext(&context);
    mjr_makeContext(model, &context, mjFONTSCALE_100);
    mjr_setBuffer(mjFB_OFFSCREEN, &context);

    mjrRect viewport = {0, 0, size, size};
    unsigned char* pixels = malloc(3 * (size_t)size * size);
    long frame = 0;
    for (long frames; scanf("%ld", &frames) == 1;) {
        struct timespec start, end;
        clock_gettime(CLOCK_MONOTONIC, &start);
        for (long i = 0; i < frames; i++, frame++) {
            for (int j = 0; j < model->nq; j++) data->qpos[j] = model->qpos0[j] + 0.02 * sin(0.1 * frame + j);
            mj_kinematics(model, data);
            mj_camlight(model, data);
            mjv_updateScene(model, data, &option, NULL, &camera, mjCAT_ALL, &scene);
            mjr_render(viewport, &scene, &context);
            mjr_readPixels(pixels, NULL, viewport, &context);
        }
        clock_gettime(CLOCK_MONOTONIC, &end);
        unsigned long long sum = 0;
        for (int y = size - 1; y >= 0; y--)
            for (int x = 0; x < 3 * size; x++) sum = sum * 31 + pixels[3 * size * y + x];
        printf("%.9f %llu\n", end.tv_sec - start.tv_sec + (end.tv_nsec - start.tv_nsec) * 1e-9, sum);
        fflush(stdout);
    }
    return 0;
}
